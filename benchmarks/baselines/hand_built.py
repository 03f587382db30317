"""The service's documents, written by hand from ``.values()``: what serving them costs without any serializer.

Requests are authenticated in the same way, and the answers are the same JSON; nothing that a request may say besides
the size and number of a page, and whether people come with their companies, is understood.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from rest_framework.exceptions import NotFound
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from companies.models import Company
from importsvc.imports.models import Import
from organizations.features import organization_features
from organizations.models import Organization
from people.models import Person

MAX_PAGE_SIZE = 200

Resource = dict[str, Any]

IMPORT_ATTRIBUTES = ("import_model_id", "creator_id", "sample", "started_at", "processed_at", "reverted_at")
PERSON_ATTRIBUTES = (
    "first_name",
    "last_name",
    "email",
    "title",
    "joined_at",
    "last_seen_at",
    "deactivated_at",
    "archived_at",
    "role_id",
    "invited_at",
    "is_user",
    "tag_list",
    "avatar_url",
    "virtual",
    "custom_fields",
    "autotracking",
    "created_at",
    "placeholder",
    "color_id",
    "private_custom_reports_used",
)
COMPANY_ATTRIBUTES = (
    "name",
    "default_currency",
    "created_at",
    "archived_at",
    "avatar_url",
    "invoice_email_recipients",
    "custom_fields",
    "description",
    "due_days",
    "tag_list",
)


class _View(APIView):
    throttle_classes = ()
    permission_classes = (IsAuthenticated,)
    # What the negotiation of the service asks a view for.
    file_type = None

    @property
    def organization(self) -> Organization:
        """The caller's."""
        organization: Organization = self.request.user.organization  # type: ignore[union-attr]
        return organization

    def respond(self, document: Resource) -> HttpResponse:
        """The document as a response."""
        document["meta"] = {
            **document.get("meta", {}),
            "organization_features": organization_features(self.organization),
        }
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        return HttpResponse(text, content_type="application/vnd.api+json; charset=utf-8")

    def respond_with_page(self, request: Request, queryset: Any, columns: Iterable[str], build: Any) -> HttpResponse:
        """A page of the queryset; ``build`` makes the resources and the included ones of its rows."""
        number = int(request.query_params.get("page[number]", 1))
        size = min(int(request.query_params.get("page[size]", 30)), MAX_PAGE_SIZE)
        count = queryset.count()
        pages = -(-count // size)
        start = (number - 1) * size
        data, included = build(list(queryset.order_by("id").values("id", *columns)[start : start + size]))
        links = {"first": 1, "last": max(pages, 1)}
        if number > 1:
            links["prev"] = number - 1
        if number < pages:
            links["next"] = number + 1
        base = request.build_absolute_uri(request.path)
        names = quote("page[number]"), quote("page[size]")
        include = f"include={request.query_params['include']}&" if "include" in request.query_params else ""
        document: Resource = {"data": data}
        if included is not None:
            document["included"] = included
        document["links"] = {
            name: f"{base}?{include}{names[0]}={page}&{names[1]}={size}" for name, page in links.items()
        }
        document["meta"] = {
            "current_page": number,
            "total_pages": pages,
            "total_count": count,
            "page_size": size,
            "max_page_size": MAX_PAGE_SIZE,
        }
        return self.respond(document)

    def build_imports(self, rows: list[Resource]) -> tuple[list[Resource], list[Resource]]:
        """Imports, their creators, and the companies of these."""
        zone = self.organization.zone
        data = [
            {
                "id": str(row["id"]),
                "type": "imports",
                "attributes": _attributes(row, IMPORT_ATTRIBUTES, zone),
                "relationships": {
                    "organization": _organization(row),
                    "creator": {"data": {"type": "people", "id": str(row["creator_id"])}},
                },
            }
            for row in rows
        ]
        columns = ("id", "organization_id", "company_id", *PERSON_ATTRIBUTES)
        people = list(Person.objects.filter(pk__in={row["creator_id"] for row in rows}).values(*columns))
        by_id = {person["id"]: person for person in people}
        creators, companies = self.build_people_and_companies([by_id[pk] for pk in _distinct(rows, "creator_id")])
        return data, creators + companies

    def build_people_and_companies(self, rows: list[Resource]) -> tuple[list[Resource], list[Resource]]:
        """People, and their companies."""
        ids = _distinct(rows, "company_id")
        columns = ("id", "organization_id", *COMPANY_ATTRIBUTES)
        by_id = {company["id"]: company for company in Company.objects.filter(pk__in=ids).values(*columns)}
        return self.build_people(rows)[0], self.build_companies([by_id[pk] for pk in ids])[0]

    def build_people(self, rows: list[Resource]) -> tuple[list[Resource], None]:
        """People, with nothing included."""
        zone = self.organization.zone
        data = [
            {
                "id": str(row["id"]),
                "type": "people",
                "attributes": _attributes(row, PERSON_ATTRIBUTES, zone),
                "relationships": {
                    "organization": _organization(row),
                    "company": {"data": {"type": "companies", "id": str(row["company_id"])}}
                    if row["company_id"]
                    else {"data": None},
                    "subsidiary": {"data": None},
                },
            }
            for row in rows
        ]
        return data, None

    def build_companies(self, rows: list[Resource]) -> tuple[list[Resource], None]:
        """Companies, with nothing included."""
        zone = self.organization.zone
        data = [
            {
                "id": str(row["id"]),
                "type": "companies",
                "attributes": _attributes(row, COMPANY_ATTRIBUTES, zone),
                "relationships": {"organization": _organization(row), "bill_to": {"data": None}},
            }
            for row in rows
        ]
        return data, None


class ImportList(_View):
    """``GET /imports``."""

    def get(self, request: Request) -> HttpResponse:
        """A page."""
        queryset = Import.objects.for_organization(self.organization)
        return self.respond_with_page(request, queryset, ("organization_id", *IMPORT_ATTRIBUTES), self.build_imports)


class ImportDetail(_View):
    """``GET /imports/{id}``."""

    def get(self, request: Request, pk: int) -> HttpResponse:
        """One import."""
        queryset = Import.objects.for_organization(self.organization).filter(pk=pk)
        rows = list(queryset.values("id", "organization_id", *IMPORT_ATTRIBUTES))
        if not rows:
            raise NotFound
        data, included = self.build_imports(rows)
        return self.respond({"data": data[0], "included": included})


class PersonList(_View):
    """``GET /people``."""

    def get(self, request: Request) -> HttpResponse:
        """A page."""
        queryset = Person.objects.for_organization(self.organization)
        columns = ("organization_id", "company_id", *PERSON_ATTRIBUTES)
        build = self.build_people_and_companies if "include" in request.query_params else self.build_people
        return self.respond_with_page(request, queryset, columns, build)


class CompanyList(_View):
    """``GET /companies``."""

    def get(self, request: Request) -> HttpResponse:
        """A page."""
        queryset = Company.objects.for_organization(self.organization)
        return self.respond_with_page(request, queryset, ("organization_id", *COMPANY_ATTRIBUTES), self.build_companies)


def _attributes(row: Mapping[str, Any], names: Iterable[str], zone: ZoneInfo) -> Resource:
    attributes = {}
    for name in names:
        value = row[name]
        if isinstance(value, datetime):
            value = value.astimezone(zone).isoformat(timespec="milliseconds")
        attributes[name] = value
    return attributes


def _distinct(rows: Iterable[Mapping[str, Any]], column: str) -> list[int]:
    """The ids in a column, each once, in the order of the rows."""
    return [pk for pk in dict.fromkeys(row[column] for row in rows) if pk is not None]


def _organization(row: Mapping[str, Any]) -> Resource:
    return {"data": {"type": "organizations", "id": row["organization_id"]}}
