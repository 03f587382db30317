"""djangorestframework-jsonapi as its documentation shows it: declarations; only the authentication is the service's.

It has the fields and included resources of the service. It does less: no filters, no sorting, no
``organization_features``, no time zones.
"""

from __future__ import annotations

from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework_json_api import serializers
from rest_framework_json_api.pagination import JsonApiPageNumberPagination
from rest_framework_json_api.parsers import JSONParser
from rest_framework_json_api.renderers import JSONRenderer
from rest_framework_json_api.views import ReadOnlyModelViewSet

from benchmarks.baselines.hand_built import (
    COMPANY_ATTRIBUTES,
    IMPORT_ATTRIBUTES,
    MAX_PAGE_SIZE,
    PERSON_ATTRIBUTES,
)
from companies.models import Company
from importsvc.imports.models import Import
from people.models import Person


class CompanySerializer(serializers.ModelSerializer):
    """Companies."""

    class Meta:
        model = Company
        fields = [*COMPANY_ATTRIBUTES, "organization"]
        read_only_fields = fields


class PersonSerializer(serializers.ModelSerializer):
    """People."""

    included_serializers = {"company": CompanySerializer}

    class Meta:
        model = Person
        fields = [*PERSON_ATTRIBUTES, "organization", "company"]
        read_only_fields = fields


class ImportSerializer(serializers.ModelSerializer):
    """Imports."""

    included_serializers = {"creator": PersonSerializer}

    class Meta:
        model = Import
        fields = [*IMPORT_ATTRIBUTES, "organization", "creator"]
        read_only_fields = fields

    class JSONAPIMeta:
        included_resources = ["creator", "creator.company"]


class Pagination(JsonApiPageNumberPagination):
    """The library's, with the service's sizes of pages."""

    page_size = 30
    max_page_size = MAX_PAGE_SIZE


class _ViewSet(ReadOnlyModelViewSet):
    parser_classes = [JSONParser]
    renderer_classes = [JSONRenderer]
    pagination_class = Pagination
    content_negotiation_class = DefaultContentNegotiation
    filter_backends: list[Any] = []
    throttle_classes: list[Any] = []

    def get_queryset(self) -> Any:
        """What is of the caller's organization."""
        return super().get_queryset().filter(organization=self.request.user.organization)


class ImportViewSet(_ViewSet):
    """Imports."""

    queryset = Import.objects.order_by("id")
    serializer_class = ImportSerializer


class PersonViewSet(_ViewSet):
    """People."""

    queryset = Person.objects.order_by("id")
    serializer_class = PersonSerializer


class CompanyViewSet(_ViewSet):
    """Companies."""

    queryset = Company.objects.order_by("id")
    serializer_class = CompanySerializer
