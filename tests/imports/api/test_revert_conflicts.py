"""Conflicts of a revert over HTTP: 409 with the records and the reasons (contract, section 2.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from companies.models import Company
from importsvc.changelog.models import Change, SingleChange
from importsvc.imports.errors import RevertConflict
from importsvc.imports.formatting import describe_conflicts
from importsvc.imports.models import Import
from importsvc.imports.services import revert_import
from people.models import Person
from tests.builders import PUBLISHED_ROWS, make_company, make_person
from tests.client import ApiClient, assert_error, document_of
from tests.engine.updates import log_one_by_one, update_by_import


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
    """The ids of an import that was run and of the records it created."""
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
def test_every_record_edited_or_referred_to_since_is_named_as_a_conflict(
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


def test_a_record_that_is_gone_already_is_no_conflict(api: ApiClient, ids: dict[str, str]) -> None:
    Person.objects.filter(pk=ids["person"]).delete()

    assert api.request("PATCH", f"imports/{ids['import']}/revert").status_code == 200
    assert not Company.objects.filter(pk=ids["company"]).exists()


def test_a_revert_succeeds_once_its_conflicts_are_resolved(api: ApiClient, ids: dict[str, str]) -> None:
    referred_to_by_another_import(api, ids)
    other = document_of(api.get("imports?sort=-id"))["data"][0]["id"]
    path = f"imports/{ids['import']}/revert"

    answers = [api.request("PATCH", each) for each in (path, f"imports/{other}/revert", path)]

    assert [answer.status_code for answer in answers] == [409, 200, 200]


def test_records_that_existed_before_the_import_stay(api: ApiClient, ids: dict[str, str]) -> None:
    person = api.run({"person": [{"First Name": "Ann", "Company": "acme"}]})

    assert api.request("PATCH", f"imports/{person}/revert").status_code == 200

    assert Company.objects.filter(name="Acme").exists()
    assert Company.objects.filter(pk=ids["company"]).exists()


@pytest.fixture
def updated(api: ApiClient, ids: dict[str, str]) -> Person:
    """An existing person that the import moved to a company it created."""
    organization = Company.objects.get(pk=ids["company"]).organization
    old = make_company(organization=organization, name="Old")
    zoe = make_person(organization=organization, first_name="Zoe", company=old, title="Ms")
    update_by_import(Import.objects.get(pk=ids["import"]), zoe, row=2, company_id=int(ids["company"]), title="Dr")
    return zoe


def remember_fax(record: Person) -> None:
    """Log a value of a column that the table does not have."""
    change = Change.objects.get(record_type="person", record_id=record.pk)
    log_one_by_one(change.import_record)
    SingleChange.objects.filter(pk=change.pk).update(after={**(change.after or {}), "fax": "1"})


def refusals(api: ApiClient, ids: dict[str, str]) -> list[dict[str, Any]]:
    (error,) = document_of(api.request("PATCH", f"imports/{ids['import']}/revert"))["errors"]
    assert error["status"] == "409"
    conflicts: list[dict[str, Any]] = error["meta"]["conflicts"]
    return conflicts


def test_an_updated_field_edited_since_is_named_with_its_values(
    api: ApiClient, ids: dict[str, str], updated: Person
) -> None:
    Person.objects.filter(pk=updated.pk).update(title="Prof", role_id=1)

    assert refusals(api, ids) == [
        {
            "type": "people",
            "id": str(updated.pk),
            "row": 2,
            "reason": "changed",
            "fields": ["title"],
            "then": {"title": "Dr"},
            "now": {"title": "Prof"},
        }
    ]


def test_a_previous_company_that_was_deleted_is_named(api: ApiClient, ids: dict[str, str], updated: Person) -> None:
    old = Company.objects.get(name="Old")
    old_id = old.pk
    old.delete()

    conflicts = refusals(api, ids)

    assert conflicts[-1] == {
        "type": "people",
        "id": str(updated.pk),
        "row": 2,
        "reason": "reference_gone",
        "fields": ["company_id"],
        "before": {"company_id": old_id},
    }
    # The created company is no conflict: its only referrer would be moved back, if that were possible.
    assert len(conflicts) == 1


def test_a_dropped_column_is_named(api: ApiClient, ids: dict[str, str], updated: Person) -> None:
    remember_fax(updated)

    assert refusals(api, ids) == [
        {"type": "people", "id": str(updated.pk), "row": 2, "reason": "column_gone", "fields": ["fax"]}
    ]


def test_reasons_are_described_in_plain_words(api: ApiClient, ids: dict[str, str], updated: Person) -> None:
    Company.objects.filter(name="Old").delete()
    Person.objects.filter(pk=updated.pk).update(title="Prof")
    remember_fax(updated)
    import_ = Import.objects.get(pk=ids["import"])

    with pytest.raises(RevertConflict) as caught:
        revert_import(organization=import_.organization, import_id=import_.pk)

    record = f"people/{updated.pk} (row 2)"
    assert describe_conflicts(caught.value) == [
        f'{record}: changed since: title from "Dr" to "Prof"',
        f"{record}: the table has no such column any more: fax",
        f"{record}: what it referred to before is gone: company_id",
    ]
