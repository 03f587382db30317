"""What stands in the way of a revert, over HTTP: a 409 that names the records and why; nothing is touched (2.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from companies.models import Company
from importsvc.imports.models import Import
from people.models import Person
from tests.builders import PUBLISHED_ROWS
from tests.client import ApiClient, assert_error, document_of


def everything() -> list[Any]:
    return [list(model._default_manager.order_by("pk").values()) for model in (Import, Company, Person)]


def changed_by_the_orm(api: ApiClient, ids: dict[str, str]) -> None:
    Company.objects.filter(pk=ids["company"]).update(description="Changed", due_days=7)


def changed_by_sql(api: ApiClient, ids: dict[str, str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE people_person SET title = NULL WHERE id = %s", [ids["person"]])


def referred_to_by_another_import(api: ApiClient, ids: dict[str, str]) -> None:
    api.run({"person": [{"First Name": "Ann", "Company": "import"}]})


def both_changed(api: ApiClient, ids: dict[str, str]) -> None:
    changed_by_the_orm(api, ids)
    changed_by_sql(api, ids)


def changed_company(ids: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "companies",
        "id": ids["company"],
        "row": 1,
        "reason": "changed",
        "fields": ["description", "due_days"],
        "then": {"description": None, "due_days": None},
        "now": {"description": "Changed", "due_days": 7},
    }


def changed_person(ids: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "people",
        "id": ids["person"],
        "row": 1,
        "reason": "changed",
        "fields": ["title"],
        "then": {"title": "Contact"},
        "now": {"title": None},
    }


def referred_company(ids: dict[str, str]) -> dict[str, Any]:
    referrer = {"type": "people", "id": str(Person.objects.get(first_name="Ann").pk)}
    return {
        "type": "companies",
        "id": ids["company"],
        "row": 1,
        "reason": "referenced",
        "referenced_by": referrer,
    }


@pytest.fixture
def ids(api: ApiClient) -> dict[str, str]:
    """An import that was run, and the ids of what it made."""
    return {
        "import": api.run(PUBLISHED_ROWS),
        "company": str(Company.objects.get(name="Import").pk),
        "person": str(Person.objects.get(email="john@mail.com").pk),
    }


@pytest.mark.parametrize(
    ("happened", "conflicts"),
    [
        (changed_by_the_orm, [changed_company]),
        (changed_by_sql, [changed_person]),
        (referred_to_by_another_import, [referred_company]),
        (both_changed, [changed_company, changed_person]),
    ],
)
def test_what_was_changed_or_referred_to_since_is_a_conflict_that_is_named(
    api: ApiClient,
    ids: dict[str, str],
    happened: Callable[[ApiClient, dict[str, str]], None],
    conflicts: list[Callable[[dict[str, str]], dict[str, Any]]],
) -> None:
    happened(api, ids)
    before = everything()

    response = api.request("PATCH", f"imports/{ids['import']}/revert")

    one = "1 change or reference since the import stands in the way"
    several = f"{len(conflicts)} changes or references since the import stand in the way"
    assert_error(
        response,
        409,
        "conflict",
        one if len(conflicts) == 1 else several,
        meta={"conflicts": [conflict(ids) for conflict in conflicts], "conflict_count": len(conflicts)},
    )
    assert everything() == before


def test_a_record_that_is_gone_already_is_no_obstacle(api: ApiClient, ids: dict[str, str]) -> None:
    Person.objects.filter(pk=ids["person"]).delete()

    assert api.request("PATCH", f"imports/{ids['import']}/revert").status_code == 200
    assert not Company.objects.filter(pk=ids["company"]).exists()


def test_a_conflict_that_is_removed_is_none(api: ApiClient, ids: dict[str, str]) -> None:
    referred_to_by_another_import(api, ids)
    other = document_of(api.get("imports?sort=-id"))["data"][0]["id"]
    path = f"imports/{ids['import']}/revert"

    answers = [api.request("PATCH", each) for each in (path, f"imports/{other}/revert", path)]

    assert [answer.status_code for answer in answers] == [409, 200, 200]


def test_what_was_there_before_stays(api: ApiClient, ids: dict[str, str]) -> None:
    person = api.run({"person": [{"First Name": "Ann", "Company": "acme"}]})

    assert api.request("PATCH", f"imports/{person}/revert").status_code == 200

    assert Company.objects.filter(name="Acme").exists()
    assert Company.objects.filter(pk=ids["company"]).exists()
