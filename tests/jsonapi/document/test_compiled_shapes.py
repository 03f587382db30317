"""A shape is compiled once, to the columns that it shows, and includes each resource once."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

from django.db import models
from django.test import RequestFactory
from django.test.utils import isolate_apps
from rest_framework.request import Request

from importsvc.imports.api.serializers import ImportSerializer
from importsvc.jsonapi.document.compiled import compile_document
from importsvc.jsonapi.document.fields import JsonApiSerializer, ToOneField
from importsvc.jsonapi.request.query import read_shape
from tests.client import ApiClient
from tests.jsonapi.document.test_compiled import subsets
from tests.jsonapi.reference import build_document, write_rows


@isolate_apps("people")
def test_a_resource_is_not_included_again_where_it_is_primary_data_or_was_included_by_another_path() -> None:
    class Place(models.Model):
        name = models.TextField()

        class Meta:
            app_label = "people"

        def __str__(self) -> str:
            return self.name

    class Worker(models.Model):
        boss = models.ForeignKey("self", null=True, on_delete=models.CASCADE)
        born_in = models.ForeignKey(Place, null=True, on_delete=models.CASCADE)
        lives_in = models.ForeignKey(Place, null=True, on_delete=models.CASCADE)

        class Meta:
            app_label = "people"

        def __str__(self) -> str:
            return str(self.pk)

    class PlaceSerializer(JsonApiSerializer):
        class Meta:
            model = Place
            resource_name = "places"
            fields = ["id", "name"]

    class BossSerializer(JsonApiSerializer):
        born_in = ToOneField("places")
        included_serializers = {"born_in": PlaceSerializer}

        class Meta:
            model = Worker
            resource_name = "workers"
            fields = ["id", "born_in"]

    class WorkerSerializer(JsonApiSerializer):
        boss = ToOneField("workers")
        born_in = ToOneField("places")
        lives_in = ToOneField("places")
        included_serializers = {"boss": BossSerializer, "lives_in": PlaceSerializer, "born_in": PlaceSerializer}

        class Meta:
            model = Worker
            resource_name = "workers"
            fields = ["id", "boss", "born_in", "lives_in"]

    here, there, nowhere = (Place(pk=number, name=name) for number, name in enumerate("abc", start=1))
    ann = Worker(pk=1, born_in=there)
    bob = Worker(pk=2, boss=ann, lives_in=there, born_in=nowhere)
    cid = Worker(pk=3, boss=Worker(pk=9, born_in=here), lives_in=here)

    for paths in subsets(["boss", "boss.born_in", "lives_in", "born_in"], range(5)):
        request = Request(RequestFactory().get("/", {"include": ",".join(paths)}))
        shape = read_shape(request, WorkerSerializer)
        records = [bob, ann, cid]

        document = shape.build(write_rows(records, shape.columns), ZoneInfo("UTC"))

        assert json.dumps(document) == json.dumps(build_document(WorkerSerializer, records, request, ZoneInfo("UTC")))


def test_only_shown_columns_are_selected_and_only_their_tables_are_joined(api: ApiClient) -> None:
    def columns(include: list[str], **fields: list[str]) -> tuple[str, ...]:
        chosen = frozenset((name, frozenset(names)) for name, names in fields.items())
        return compile_document(ImportSerializer, frozenset(include), chosen).columns

    assert columns([], imports=[]) == ("id",)
    assert columns([], imports=["sample", "creator", "creator_id"]) == ("id", "creator_id", "sample")
    assert columns(["creator"], imports=[], people=["title"]) == ("id", "creator_id", "creator__title")
    assert columns(["creator.company"], imports=["organization"], people=[], companies=["name"]) == (
        "id",
        "organization_id",
        "creator_id",
        "creator__company_id",
        "creator__company__name",
    )


def test_every_combination_of_fields_and_includes_is_compiled_once(api: ApiClient) -> None:
    compile_document.cache_clear()

    for query in (
        "",
        "fields[imports]=sample,creator&include=creator",
        "include=creator&fields[imports]=creator,sample",
    ):
        for _ in range(2):
            assert api.get(f"imports?{query}").status_code == 200

    assert compile_document.cache_info().misses == 2
