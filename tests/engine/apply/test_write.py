"""Planned chunks are written as records, row by row, and logged as changes."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from companies.models import Company
from importsvc.changelog.models import Change
from importsvc.engine.plan.plan import RowRef
from importsvc.imports.models import Import
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_company, make_import
from tests.engine.apply.writing import companies, company_row, people, person_row, rows_of, write
from tests.snapshots import take_snapshot


@pytest.fixture
def import_(acme: NewOrganization) -> Import:
    return make_import(creator=acme.person)


def test_columns_without_a_value_get_the_default_of_the_model_or_the_importable(
    acme: NewOrganization, import_: Import
) -> None:
    acme.organization.default_currency = "EUR"
    acme.organization.save()

    began = timezone.now()
    write(import_, companies(company_row("Reds")), people(person_row("Bob")))
    ended = timezone.now()

    (company,) = rows_of(Company, name="Reds")
    (person,) = rows_of(Person, first_name="Bob")
    assert began <= company["created_at"] <= person["created_at"] <= ended
    assert company == {
        "id": company["id"],
        "organization_id": acme.organization.pk,
        "name": "Reds",
        "default_currency": "EUR",
        "created_at": company["created_at"],
        "archived_at": None,
        "avatar_url": None,
        "invoice_email_recipients": {},
        "custom_fields": None,
        "description": None,
        "due_days": None,
        "tag_list": [],
        "external_id": None,
    }
    assert person == {
        "id": person["id"],
        "organization_id": acme.organization.pk,
        "company_id": None,
        "first_name": "Bob",
        "last_name": None,
        "email": None,
        "title": None,
        "joined_at": None,
        "last_seen_at": None,
        "deactivated_at": None,
        "archived_at": None,
        "role_id": None,
        "invited_at": None,
        "is_user": False,
        "tag_list": [],
        "avatar_url": None,
        "virtual": False,
        "custom_fields": None,
        "autotracking": False,
        "created_at": person["created_at"],
        "placeholder": False,
        "color_id": None,
        "private_custom_reports_used": 0,
        "external_id": None,
    }


def test_values_of_a_row_are_stored_unchanged(acme: NewOrganization, import_: Import) -> None:
    nasty = 'É "😀"\t\\N\n\\.'
    company_values: dict[str, Any] = {
        "name": nasty,
        "default_currency": "JPY",
        "description": nasty * 100,
        "due_days": 0,
        "tag_list": [nasty, "", "NULL"],
        "invoice_email_recipients": {nasty: [None, 1.5, {}]},
        "custom_fields": {"a": nasty},
    }
    person_values: dict[str, Any] = {
        "first_name": nasty,
        "last_name": nasty,
        "email": "O'Hara@Acme.test",
        "title": nasty,
        "tag_list": [nasty],
        "custom_fields": {},
    }

    write(import_, companies(company_row(**company_values)), people(person_row(**person_values)))

    (company,) = rows_of(Company, name=nasty)
    (person,) = rows_of(Person, first_name=nasty)
    assert {name: company[name] for name in company_values} == company_values
    assert {name: person[name] for name in person_values} == person_values


def test_references_resolve_to_new_and_to_existing_records(acme: NewOrganization, import_: Import) -> None:
    greens = make_company(organization=acme.organization, name="Greens")

    write(
        import_,
        companies(company_row("Reds"), company_row("Blues")),
        companies(company_row("Whites"), first_row=3),
        people(person_row("P1", company=RowRef("company", 2)), person_row("P2", company=greens.pk)),
        people(person_row("P3", company=RowRef("company", 3)), person_row("P4"), first_row=3),
    )

    written = Person.objects.filter(first_name__startswith="P").order_by("id")
    assert list(written.values_list("first_name", "company__name")) == [
        ("P1", "Blues"),
        ("P2", "Greens"),
        ("P3", "Whites"),
        ("P4", None),
    ]


def test_the_change_log_has_the_given_values_and_the_ids_of_the_records(acme: NewOrganization, import_: Import) -> None:
    write(
        import_,
        companies(company_row("Reds", due_days=30)),
        companies(company_row("Blues"), first_row=2),
        people(person_row("P1", tag_list=["a"], custom_fields={"a": "É"}, company=RowRef("company", 2))),
    )

    reds, blues = rows_of(Company, name__in=["Reds", "Blues"])
    (person,) = rows_of(Person, first_name="P1")

    def change(type_name: str, record: dict[str, Any], row: int, **given: Any) -> dict[str, Any]:
        return {
            "organization_id": acme.organization.pk,
            "import_record_id": import_.pk,
            "record_type": type_name,
            "record_id": record["id"],
            "row": row,
            "action": "created",
            "before": None,
            "after": given,
            "outcome": None,
            "kept_fields": None,
        }

    written = [{name: row[name] for name in row if name != "id"} for row in rows_of(Change)]
    assert written == [
        change("company", reds, 1, name="Reds", default_currency="USD", due_days=30),
        change("company", blues, 2, name="Blues", default_currency="USD"),
        change("person", person, 1, first_name="P1", tag_list=["a"], custom_fields={"a": "É"}, company_id=blues["id"]),
    ]


def test_only_new_records_and_their_changes_are_written(acme: NewOrganization, import_: Import) -> None:
    written = ("companies_company", "people_person", "changelog_createdchunk")
    before = take_snapshot(without=written)
    earlier = [rows_of(Company), rows_of(Person)]

    write(import_, companies(company_row("Reds")), people(person_row("Bob")))

    assert take_snapshot(without=written) == before
    assert [rows_of(Company, id__lte=acme.person.company_id), rows_of(Person, id__lte=acme.person.pk)] == earlier


@pytest.mark.parametrize("rows", [[], [company_row("A"), company_row("B"), company_row("C")]])
def test_ids_come_from_the_sequence_in_row_order(
    acme: NewOrganization, import_: Import, rows: list[tuple[Any, ...]]
) -> None:
    write(import_, companies(*rows))
    after = make_company(organization=acme.organization, name="After")

    made = rows_of(Company, id__gt=acme.person.company_id, id__lt=after.pk)
    assert [company["name"] for company in made] == [row[0] for row in rows]
    assert [company["id"] for company in made] == list(range(after.pk - len(rows), after.pk))
    assert Change.objects.count() == len(rows)


@pytest.mark.parametrize(
    "row",
    [
        person_row("Bob", email="ADA@acme.test"),  # unique
        person_row(""),  # check
        person_row("Bob", company=0),  # foreign key
    ],
)
def test_a_violated_constraint_is_an_integrity_error_and_nothing_is_written(
    import_: Import, row: tuple[Any, ...]
) -> None:
    before = take_snapshot()

    with pytest.raises(IntegrityError), transaction.atomic():
        write(import_, people(person_row("Ann"), row))

    assert take_snapshot() == before


@pytest.mark.one_server("the sequence of a distributed table cannot be altered")
def test_ids_of_a_sequence_with_gaps_are_used_in_order(acme: NewOrganization, import_: Import) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER SEQUENCE companies_company_id_seq INCREMENT BY 3")

    write(
        import_,
        companies(*(company_row(name) for name in "ABC")),
        people(person_row("P", company=RowRef("company", 3))),
    )

    first, second, third = rows_of(Company, name__in="ABC")
    assert [second["id"] - first["id"], third["id"] - second["id"]] == [3, 3]
    assert Person.objects.get(first_name="P").company_id == third["id"]
    assert [change["record_id"] for change in rows_of(Change, record_type="company")] == [
        first["id"],
        second["id"],
        third["id"],
    ]


def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(acme: NewOrganization, import_: Import) -> None:
    counts = []
    for size in (1, 300):
        with CaptureQueriesContext(connection) as queries:
            write(import_, people(*(person_row(f"P{row}") for row in range(size))))
        counts.append(len(queries))

    assert counts == [3, 3]  # old plans are dropped, ids of records and changes reserved; COPY is not counted


def test_changes_of_two_imports_are_logged_under_their_own_import(acme: NewOrganization, import_: Import) -> None:
    other = make_import(creator=acme.person)
    write(import_, people(person_row("Ann")))
    write(other, people(person_row("Bob")))

    bob = Person.objects.get(first_name="Bob")
    assert [(change["record_id"], change["row"]) for change in rows_of(Change, import_record=other)] == [(bob.pk, 1)]
