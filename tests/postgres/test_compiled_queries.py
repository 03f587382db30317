"""Compiled queries return the current results of their querysets, for the parameters of each call."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import pytest
from django.apps import apps
from django.db import connection
from django.db.models.sql.compiler import SQLCompiler
from pytest_django import DjangoAssertNumQueries

from companies.models import Company
from importsvc.imports.models import Import
from importsvc.imports.services import create_import
from importsvc.operations.models import Kind
from importsvc.postgres.compiled_queries import CompiledQuery, CompiledRecords, IsOneOf, Parameter
from importsvc.postgres.copy import array_literal
from organizations.models import Organization
from people.models import Person
from people.services import NewOrganization, create_organization
from tests.builders import PUBLISHED_ROWS, make_company, make_import, make_person, make_refusal
from tests.client import ApiClient
from tests.operations.queueing import queue

OURS = ("organizations", "companies", "people", "operations", "imports")


def test_every_column_of_every_model_is_read_as_by_its_queryset(api: ApiClient) -> None:
    company = make_company(
        organization=api.caller.organization, name="Reds", custom_fields={"a": [1, None]}, tag_list=["x", "ü"]
    )
    make_person(
        organization=api.caller.organization, company=company, custom_fields=[], last_seen_at=company.created_at
    )
    Organization.objects.update(features={"custom_fields": {"limit": 50}})
    import_ = Import.objects.get(pk=api.run(PUBLISHED_ROWS))
    queue(api.caller, Kind.UPDATE, import_, import_data=PUBLISHED_ROWS)
    make_refusal(import_)
    wrong = {"person": [{"email": "ada"}]}
    create_import(
        organization=api.caller.organization, creator=api.caller.person, import_data=wrong, on_row_error="stage"
    )

    for model in (model for label in OURS for model in apps.get_app_config(label).get_models()):
        everything = model._default_manager.order_by("pk").values_list()

        assert CompiledQuery(everything).fetch() == list(everything), model
        assert list(everything), model


def test_columns_of_related_records_are_null_where_there_is_none(api: ApiClient) -> None:
    make_import(creator=make_person(organization=api.caller.organization, company=None))
    make_import(creator=api.caller.person)
    columns = "creator__company__custom_fields", "pk", "creator__first_name", "creator__company__name"
    imports = Import.objects.order_by("-pk").values_list(*columns)

    rows = CompiledQuery(imports).fetch()

    assert rows == list(imports)
    assert [row[3] is None for row in rows] == [False, True]


@pytest.mark.parametrize("name", ["Ann", "it's", "%s", "%(name)s", '"; DROP TABLE people_person; --', "\\", "ü🦄"])
def test_each_fetch_uses_its_own_parameters(api: ApiClient, name: str) -> None:
    make_person(organization=api.caller.organization, first_name=name)
    named = Person.objects.filter(first_name=Parameter("name"), last_name=None, organization=Parameter("organization"))
    query = CompiledQuery(named.values_list("first_name", "organization_id"))

    organization_id = api.caller.organization.pk
    assert query.fetch(name=name, organization=organization_id) == [(name, organization_id)]
    assert query.fetch(name="nobody", organization=organization_id) == []
    assert query.fetch(organization=0, name=name) == []
    with pytest.raises(KeyError):
        query.fetch(name=name)


def test_a_query_is_compiled_once_and_keeps_no_result(acme: NewOrganization, monkeypatch: pytest.MonkeyPatch) -> None:
    query = CompiledQuery(Company.objects.filter(organization=Parameter("organization")).values_list("name"))

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("a query was written again")

    with monkeypatch.context() as patched:
        patched.setattr(SQLCompiler, "as_sql", refuse)
        before = query.fetch(organization=acme.organization.pk)
    Company.objects.update(name="Renamed")

    assert (before, query.fetch(organization=acme.organization.pk)) == ([("Acme",)], [("Renamed",)])


def test_records_are_those_of_the_queryset_and_columns_that_are_left_out_are_read_when_needed(
    acme: NewOrganization, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_company(organization=acme.organization, name="Reds", custom_fields={"a": [1, None]}, description="Red")
    named = Company.objects.filter(organization=Parameter("organization"), name=Parameter("name"))

    (record,) = CompiledRecords(named, without=["description"]).fetch(organization=acme.organization.pk, name="Reds")

    expected = Company.objects.get(name="Reds")
    assert record == expected
    with django_assert_num_queries(0):
        assert (record.custom_fields, record.organization_id) == ({"a": [1, None]}, acme.organization.pk)
    with django_assert_num_queries(1):
        assert record.description == "Red"


def test_a_condition_compares_a_column_with_any_number_of_integers(acme: NewOrganization) -> None:
    companies = [make_company(organization=acme.organization, name=name) for name in ("Reds", "Blues", "Greens")]
    query = CompiledQuery(Company.objects.filter(IsOneOf("id", Parameter("ids"))).order_by("id").values_list("name"))

    def ask(*ids: int) -> list[Any]:
        return query.fetch(ids=array_literal([str(each) for each in ids]))

    assert ask(companies[2].pk, companies[0].pk, 2**63 - 1) == [("Reds",), ("Greens",)]
    assert ask(companies[1].pk) == [("Blues",)]
    assert ask() == []


@pytest.mark.django_db(transaction=True)
def test_a_query_compiled_in_one_thread_runs_in_other_threads_over_their_own_connections() -> None:
    made = [create_organization(name=f"Number {number}", email=f"{number}@example.com") for number in range(4)]
    query = CompiledQuery(Organization.objects.filter(pk=Parameter("pk")).values_list("name", "features"))

    def ask(organization: NewOrganization) -> list[Any]:
        try:
            return [query.fetch(pk=organization.organization.pk) for _ in range(20)]
        finally:
            connection.close()

    with ThreadPoolExecutor(len(made)) as threads:
        answers = list(threads.map(ask, made))

    assert answers == [[[(f"Number {number}", {})]] * 20 for number in range(4)]
