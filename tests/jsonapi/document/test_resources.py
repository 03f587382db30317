"""The fields of serializers are translated to columns, or refused when the service starts."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings
from django.urls import path
from rest_framework import serializers

from importsvc.imports.api.serializers import ImportSerializer
from importsvc.imports.models import Import
from importsvc.imports.selectors import show_state
from importsvc.jsonapi.checks import check_resources
from importsvc.jsonapi.document.fields import JsonApiSerializer, StrictIdField, TimestampField, ToOneField
from importsvc.jsonapi.document.resources import Attribute, Relationship, UnknownDeclarationError, read_resource
from importsvc.jsonapi.views import JsonApiViewSet
from importsvc.operations.selectors import order_progress, show_running
from people.models import Person
from people.serializers import PersonSerializer


class MillisecondsField(TimestampField):
    def to_representation(self, value: Any) -> Any:
        return value.timestamp() * 1000


class WholeNameField(serializers.CharField):
    def get_attribute(self, instance: Any) -> str:
        return str(instance)


class LowerCaseField(serializers.CharField):
    def to_representation(self, value: Any) -> str:
        return str(value).lower()


class AddressField(serializers.EmailField):
    """A field that validates differently and writes the same."""

    def to_internal_value(self, data: Any) -> str:
        return str(data)


class LinkedField(ToOneField):
    def to_representation(self, value: Any) -> dict[str, Any]:
        return {**super().to_representation(value), "meta": {}}


def declare(**declared: Any) -> Any:
    """A serializer of people with one more field, or other attributes."""
    names = [name for name, value in declared.items() if isinstance(value, serializers.Field)]

    class Meta:
        model = Person
        resource_name = "people"
        fields = ["id", "first_name", *names]
        fields_on_request = declared.pop("fields_on_request", ())

    return type("DeclaredSerializer", (JsonApiSerializer,), {"Meta": Meta, **declared})


def test_a_serializer_is_read_in_terms_of_columns() -> None:
    resource = read_resource(ImportSerializer)

    assert (resource.type, resource.id_column) == ("imports", "id")
    assert resource.attributes == (
        Attribute("import_model_id", "import_model_id", is_time_stamp=False),
        Attribute("creator_id", "creator_id", is_time_stamp=False),
        Attribute("sample", "sample", is_time_stamp=False),
        Attribute("started_at", "started_at", is_time_stamp=True),
        Attribute("processed_at", "processed_at", is_time_stamp=True),
        Attribute("reverted_at", "reverted_at", is_time_stamp=True),
        Attribute("on_duplicate", "on_duplicate", is_time_stamp=False),
        Attribute("match_by", "match_by", is_time_stamp=False),
        Attribute("on_row_error", "on_row_error", is_time_stamp=False),
        Attribute("error_count", "error_count", is_time_stamp=False),
        Attribute("counts", "counts", is_time_stamp=False),
        Attribute("pruned_at", "pruned_at", is_time_stamp=True),
        Attribute("state", "state", is_time_stamp=False, compute=show_state),
        Attribute("progress", "progress", is_time_stamp=False, compute=show_running, write=order_progress),
        Attribute("mapping", "mapping", is_time_stamp=False),
        Attribute("file_counts", "file_counts", is_time_stamp=False),
    )
    on_request = {
        "on_duplicate",
        "on_row_error",
        "error_count",
        "match_by",
        "counts",
        "pruned_at",
        "state",
        "progress",
        "mapping",
        "file_counts",
        "import_file",
    }
    assert resource.field_names - resource.default_field_names == resource.on_request == on_request
    assert resource.relationships == {
        "organization": Relationship("organization", "organization", "organizations", int),
        "creator": Relationship("creator", "creator", "people", str),
        "import_file": Relationship("import_file", "import_file", "import_files", str),
    }
    assert resource.default_paths == ("creator", "creator.company")
    assert list(resource.include_paths()) == ["creator", "creator.company"]
    person = resource.find("people")
    assert person is read_resource(PersonSerializer)
    assert person.relationships["subsidiary"] == Relationship("subsidiary", None, "subsidiaries", str)
    assert (resource.find("organizations"), person.find("imports")) == (None, None)


def test_a_field_may_have_another_name_than_its_column_and_check_in_its_own_way() -> None:
    resource = read_resource(declare(address=AddressField(source="email"), employer=ToOneField("x", source="company")))

    assert resource.attributes[1:] == (Attribute("address", "email", is_time_stamp=False),)
    assert resource.relationships == {"employer": Relationship("employer", "company", "x", str)}


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"title": LowerCaseField()}, "It is not known how DeclaredSerializer.title (LowerCaseField) writes CharField"),
        ({"title": WholeNameField()}, "It is not known how DeclaredSerializer.title (WholeNameField) writes CharField"),
        (
            {"created_at": MillisecondsField()},
            "It is not known how DeclaredSerializer.created_at (MillisecondsField) writes DateTimeField",
        ),
        (
            {"created_at": serializers.DateTimeField()},
            "It is not known how DeclaredSerializer.created_at (DateTimeField) writes DateTimeField",
        ),
        ({"title": TimestampField()}, "It is not known how DeclaredSerializer.title (TimestampField) writes CharField"),
        (
            {"role_id": serializers.CharField()},
            "It is not known how DeclaredSerializer.role_id (CharField) writes PositiveIntegerField",
        ),
        ({"company_id": StrictIdField(source="title")}, "It is not known how DeclaredSerializer.company_id"),
        (
            {"tag_list": serializers.ListField(child=LowerCaseField())},
            "It is not known how DeclaredSerializer.tag_list (ListField) writes ArrayField",
        ),
        (
            {"custom_fields": serializers.JSONField(binary=True)},
            "It is not known how DeclaredSerializer.custom_fields (JSONField) writes JSONField",
        ),
        (
            {"company_name": serializers.CharField(source="company.name")},
            "DeclaredSerializer.company_name (CharField) is no column of Person",
        ),
        (
            {"name": serializers.SerializerMethodField(), "get_name": str},
            "DeclaredSerializer.name (SerializerMethodField) is no column of Person",
        ),
        ({"company": LinkedField("x")}, "DeclaredSerializer.company (LinkedField) writes linkage in a way of its own"),
        ({"title": ToOneField("x")}, "DeclaredSerializer.title (ToOneField) is no foreign key of Person"),
        ({"tokens": ToOneField("x")}, "DeclaredSerializer.tokens (ToOneField) is no column of Person"),
        ({"other": serializers.CharField(source="first_name")}, "DeclaredSerializer shows a column twice"),
        ({"to_representation": dict}, "DeclaredSerializer writes resources in a way of its own"),
        (
            {"company": ToOneField("firms"), "included_serializers": {"company": PersonSerializer}},
            "DeclaredSerializer has no relationship 'company' to people",
        ),
        (
            {"included_serializers": {"first_name": PersonSerializer}},
            "DeclaredSerializer has no relationship 'first_name' to people",
        ),
        (
            {"JSONAPIMeta": type("JSONAPIMeta", (), {"included_resources": ["company"]})},
            "DeclaredSerializer cannot include ('company',)",
        ),
        ({"fields_on_request": ["title", "nothing"]}, "DeclaredSerializer cannot show ['nothing', 'title'] on request"),
    ],
)
def test_a_declaration_that_cannot_be_read_is_an_error(declared: dict[str, Any], message: str) -> None:
    with pytest.raises(UnknownDeclarationError) as caught:
        read_resource(declare(**declared))

    assert str(caught.value).startswith(message)


class WrongViewSet(JsonApiViewSet):
    queryset = Import.objects.all()
    serializer_class = declare(title=LowerCaseField())


urlpatterns = [path(name, WrongViewSet.as_view({"get": "respond"})) for name in ("wrong", "again")]


def test_every_view_with_a_url_is_checked_at_start() -> None:
    assert check_resources() == []
    with override_settings(ROOT_URLCONF=__name__):
        (message,) = check_resources()

    assert (message.id, message.obj) == ("jsonapi.E001", WrongViewSet)
    assert message.msg == "It is not known how DeclaredSerializer.title (LowerCaseField) writes CharField"
