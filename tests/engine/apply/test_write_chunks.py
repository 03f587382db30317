"""Several chunks of an import have the same defaults, and rows create, update or leave records."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from companies.models import Company
from importsvc.changelog.models import Change
from importsvc.engine.apply.write import RecordWriter
from importsvc.engine.plan.plan import GivenValues, RowRef
from importsvc.engine.schema import registry
from importsvc.engine.schema.defaults import Defaults
from importsvc.imports.models import Import
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_company, make_import, make_person
from tests.engine.apply.writing import companies, company_row, people, person_row, plan_chunk, rows_of, write
from tests.snapshots import take_snapshot

NOTHING = {"created": 0, "updated": 0, "unchanged": 0, "skipped": 0}


@pytest.fixture
def import_(acme: NewOrganization) -> Import:
    return make_import(creator=acme.person)


def given(type_name: str, row: int, record_id: int, **values: Any) -> GivenValues:
    importable = registry.get(type_name)
    return GivenValues(row, record_id, {importable.position(name): value for name, value in values.items()})


def read_changes() -> list[dict[str, Any]]:
    """The columns of each change without its id, organization, import and the outcome of a revert."""
    left_out = {"id", "organization_id", "import_record_id", "outcome", "kept_fields"}
    return [{name: value for name, value in change.items() if name not in left_out} for change in rows_of(Change)]


# --- defaults --------------------------------------------------------------------------------------------------------


def test_defaults_are_the_same_in_all_chunks(import_: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([datetime(2024, 1, day, tzinfo=UTC) for day in range(1, 30)])
    monkeypatch.setattr(Company._meta.get_field("created_at"), "_get_default", lambda: next(times))
    currencies = iter(["CHF", "JPY"])
    asked: list[Any] = []

    def ask_default(organization: Any) -> str:
        asked.append(organization)
        return next(currencies)

    company = registry.get("company")
    column = replace(company.columns[1], default=ask_default)
    spied = replace(company, columns=(company.columns[0], column, *company.columns[2:]))
    chunks = [
        companies(company_row(name), company_row(f"{name}2", default_currency="EUR"), first_row=first_row)
        for name, first_row in (("A", 1), ("B", 3))
    ]

    write(import_, *(replace(chunk, importable=spied) for chunk in chunks))

    assert asked == [import_.organization]
    made = rows_of(Company, name__in=["A", "A2", "B", "B2"])
    assert [(row["name"], row["default_currency"], row["created_at"].day) for row in made] == [
        ("A", "CHF", 1),
        ("A2", "EUR", 1),
        ("B", "CHF", 1),
        ("B2", "EUR", 1),
    ]
    assert [(change["row"], change["after"]) for change in rows_of(Change)] == [
        (1, {"name": "A", "default_currency": "CHF"}),
        (2, {"name": "A2", "default_currency": "EUR"}),
        (3, {"name": "B", "default_currency": "CHF"}),
        (4, {"name": "B2", "default_currency": "EUR"}),
    ]


def test_values_that_all_records_share_are_described_by_type_and_column_as_stored(
    acme: NewOrganization, import_: Import
) -> None:
    defaults = Defaults(import_.organization)
    assert defaults.describe() == {}

    write(import_, companies(company_row("Reds")), people(person_row("Bob")), defaults=defaults)

    (company,) = rows_of(Company, name="Reds")
    (person,) = rows_of(Person, first_name="Bob")
    assert defaults.describe() == {
        "company": {"organization_id": acme.organization.pk, "created_at": str(company["created_at"])},
        "person": {"organization_id": acme.organization.pk, "created_at": str(person["created_at"])},
    }


# --- work meanwhile --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("creates", "updates", "times"), [(True, False, 2), (True, True, 3), (False, True, 1)])
def test_the_caller_can_work_during_each_copy(
    acme: NewOrganization, import_: Import, creates: bool, updates: bool, times: int
) -> None:
    reds = make_company(organization=acme.organization, name="Reds")
    rows = [company_row("Blues") if creates else None, None]
    chunk = plan_chunk("company", rows, given=[given("company", 2, reds.pk, due_days=7)] if updates else [])
    writer = RecordWriter(
        organization=import_.organization, import_id=import_.pk, defaults=Defaults(import_.organization)
    )
    calls: list[str] = []

    writer.write(chunk, meanwhile=lambda: calls.append("meanwhile"))

    assert calls == ["meanwhile"] * times


# --- records that exist ----------------------------------------------------------------------------------------------


def test_the_outcomes_of_the_rows_of_each_chunk_are_counted(acme: NewOrganization, import_: Import) -> None:
    reds = make_company(organization=acme.organization, name="Reds", due_days=30)
    updates = [given("company", 2, reds.pk, due_days=7), given("company", 3, reds.pk, name="Reds")]

    assert write(
        import_,
        companies(),
        plan_chunk("company", [company_row("Blues"), None, None], given=updates),
        plan_chunk("company", [None, None, company_row("Greens")], first_row=4, skipped=2),
        people(person_row("Bob"), person_row("Cid")),
    ) == [
        NOTHING,
        {"created": 1, "updated": 1, "unchanged": 1, "skipped": 0},
        {"created": 1, "updated": 0, "unchanged": 0, "skipped": 2},
        {**NOTHING, "created": 2},
    ]


def test_only_values_that_differ_are_written_and_logged(acme: NewOrganization, import_: Import) -> None:
    reds = make_company(organization=acme.organization, name="Reds", due_days=30, tag_list=["a"], description="Old")
    before = rows_of(Company)
    values = {"name": "REDS", "due_days": 30, "tag_list": ["a", "b"], "description": None}

    write(import_, plan_chunk("company", [None], given=[given("company", 1, reds.pk, **values)]))

    changed = {"name": "REDS", "tag_list": ["a", "b"], "description": None}
    assert rows_of(Company) == [*before[:-1], {**before[-1], **changed}]
    assert read_changes() == [
        {
            "record_type": "company",
            "record_id": reds.pk,
            "row": 1,
            "action": "updated",
            "before": {"name": "Reds", "tag_list": ["a"], "description": "Old"},
            "after": changed,
        }
    ]


def test_an_updated_record_can_refer_to_a_record_that_the_import_creates(
    acme: NewOrganization, import_: Import
) -> None:
    greens = make_company(organization=acme.organization, name="Greens")
    bob, cid = (make_person(organization=acme.organization, first_name=name, company=greens) for name in ("Bob", "Cid"))
    updates = [
        given("person", 1, bob.pk, company=RowRef("company", 4), title="Boss"),
        given("person", 2, cid.pk, company=RowRef("company", 2)),
    ]

    write(
        import_,
        plan_chunk("company", [None, company_row("Reds")], given=[given("company", 1, greens.pk, due_days=7)]),
        plan_chunk("company", [None, company_row("Blues")], first_row=3, skipped=1),
        plan_chunk("person", [None, None], given=updates),
    )

    ids = dict(Company.objects.values_list("name", "id"))
    assert list(Person.objects.filter(pk__in=[bob.pk, cid.pk]).order_by("id").values_list("company_id", "title")) == [
        (ids["Blues"], "Boss"),
        (ids["Reds"], None),
    ]
    assert [(change["record_id"], change["before"], change["after"]) for change in rows_of(Change)][-2:] == [
        (bob.pk, {"title": None, "company_id": greens.pk}, {"title": "Boss", "company_id": ids["Blues"]}),
        (cid.pk, {"company_id": greens.pk}, {"company_id": ids["Reds"]}),
    ]


def test_updates_are_written_when_all_chunks_are(acme: NewOrganization, import_: Import) -> None:
    reds, blues = (make_company(organization=acme.organization, name=name) for name in ("Reds", "Blues"))
    writer = RecordWriter(
        organization=acme.organization, import_id=import_.pk, defaults=Defaults(acme.organization), referenced=()
    )

    def read_days() -> list[int | None]:
        return list(
            Company.objects.filter(pk__in=[reds.pk, blues.pk]).order_by("id").values_list("due_days", flat=True)
        )

    for row, record in enumerate((reds, blues), start=1):
        writer.write(
            plan_chunk("company", [None], first_row=row, given=[given("company", row, record.pk, due_days=row)])
        )
        assert read_days() == [None, None]
    writer.finish()

    assert read_days() == [1, 2]


def test_an_import_without_updates_runs_no_queries_for_them(import_: Import) -> None:
    with CaptureQueriesContext(connection) as queries:
        write(import_, companies(company_row("A")), companies(first_row=2), plan_chunk("person", [None], skipped=1))

    assert len(queries) == 3  # old plans are dropped, ids of records and changes reserved


def test_a_record_deleted_meanwhile_is_skipped(acme: NewOrganization, import_: Import) -> None:
    gone = given("company", 1, 0, due_days=7)

    assert write(import_, plan_chunk("company", [None], given=[gone])) == [{**NOTHING, "unchanged": 1}]
    assert rows_of(Change) == []


def test_an_update_that_violates_a_constraint_is_an_integrity_error(acme: NewOrganization, import_: Import) -> None:
    bob = make_person(organization=acme.organization, first_name="Bob")
    before = take_snapshot()

    with pytest.raises(IntegrityError), transaction.atomic():
        write(import_, plan_chunk("person", [None], given=[given("person", 1, bob.pk, email="ADA@acme.test")]))

    assert take_snapshot() == before
