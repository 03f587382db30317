"""``on_duplicate``: a row that matches a record is an error, is skipped, or updates the record."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from companies.models import Company
from importsvc.changelog.models import Change
from importsvc.imports.actors import Actor
from importsvc.imports.errors import RowsInvalid
from importsvc.imports.models import Import
from importsvc.imports.services import create_import, run_import, update_import
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_company, make_organization, make_person
from tests.imports.steps import counts, import_rows
from tests.snapshots import take_snapshot

STAGED = ("imports_import", "imports_stagedchunk")


def change_log_of(import_: Import) -> list[tuple[Any, ...]]:
    changes = Change.objects.filter(import_record=import_).order_by("id")
    return list(changes.values_list("record_type", "record_id", "row", "action", "before", "after"))


def values_of(record: Any) -> dict[str, Any]:
    (values,) = type(record)._default_manager.filter(pk=record.pk).values()
    return dict(values)


@pytest.fixture
def ann(acme: NewOrganization) -> Person:
    return make_person(
        organization=acme.organization,
        first_name="Ann",
        last_name="Lee",
        email="ann@acme.test",
        title="Boss",
        tag_list=["a", "b"],
        custom_fields={"x": 1},
        company=make_company(organization=acme.organization, name="Reds", due_days=30),
    )


def test_update_writes_the_columns_that_a_row_gives_and_logs_the_changes(acme: NewOrganization, ann: Person) -> None:
    before = values_of(ann)

    import_ = import_rows(
        acme,
        {
            "person": [
                {"Email": "ANN@acme.test", "First Name": "Anna", "Title": " ", "Last Name": "Lee", "Company": None}
            ]
        },
        on_duplicate="update",
    )

    assert values_of(ann) == {**before, "email": "ANN@acme.test", "first_name": "Anna", "company_id": None}
    assert change_log_of(import_) == [
        (
            "person",
            ann.pk,
            1,
            "updated",
            {"email": "ann@acme.test", "first_name": "Ann", "company_id": before["company_id"]},
            {"email": "ANN@acme.test", "first_name": "Anna", "company_id": None},
        )
    ]
    assert import_.counts == {"person": counts(updated=1)}
    assert import_.on_duplicate == "update"


def test_null_sets_the_value_that_a_new_record_would_have(acme: NewOrganization, ann: Person) -> None:
    acme.organization.default_currency = "EUR"
    acme.organization.save()
    assert ann.company

    import_rows(
        acme,
        {
            "company": [{"name": "Reds", "default_currency": None, "due_days": None, "invoice_email_recipients": None}],
            "person": [{"email": ann.email, "tag_list": None, "custom_fields": None, "title": None}],
        },
        on_duplicate="update",
    )

    ann.refresh_from_db()
    ann.company.refresh_from_db()
    assert (ann.tag_list, ann.custom_fields, ann.title, ann.last_name) == ([], None, None, "Lee")
    assert (ann.company.default_currency, ann.company.due_days) == ("EUR", None)
    assert ann.company.invoice_email_recipients == {}


def test_a_row_that_changes_nothing_is_unchanged_and_not_logged(acme: NewOrganization, ann: Person) -> None:
    before = take_snapshot(without=STAGED)

    import_ = import_rows(
        acme,
        {
            "person": [
                {"email": "ann@acme.test", "first_name": "Ann", "tag_list": "a, b", "custom_fields": {"x": 1.0}}
            ],
            "company": [{"name": "Reds"}],
        },
        on_duplicate="update",
    )

    assert take_snapshot(without=STAGED) == before
    assert import_.counts == {"person": counts(unchanged=1), "company": counts(unchanged=1)}


def test_true_is_not_one_and_null_in_json_is_null(acme: NewOrganization, ann: Person) -> None:
    import_ = import_rows(acme, {"person": [{"email": ann.email, "custom_fields": {"x": True}}]}, on_duplicate="update")

    assert change_log_of(import_)[0][4:] == ({"custom_fields": {"x": 1}}, {"custom_fields": {"x": True}})


def test_no_digit_of_a_number_is_lost_on_the_way_into_the_change_log(acme: NewOrganization, ann: Person) -> None:
    number = "0.12345678901234567890123456789"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE people_person SET custom_fields = %s", [f'{{"x": {number}}}'])

    import_rows(acme, {"person": [{"email": ann.email, "custom_fields": {"x": 2}}]}, on_duplicate="update")

    with connection.cursor() as cursor:
        cursor.execute("SELECT before::text FROM changelog_change")
        assert cursor.fetchall() == [(f'{{"custom_fields": {{"x": {number}}}}}',)]


def test_skip_leaves_existing_records_as_they_are_and_creates_new_ones(acme: NewOrganization, ann: Person) -> None:
    before = values_of(ann)

    import_ = import_rows(
        acme,
        {
            "person": [
                {"email": "ann@acme.test", "first_name": "Anna", "company": "Nobody"},
                {"email": "bob@acme.test", "first_name": "Bob", "company": "reds"},
            ],
            "company": [{"name": "REDS", "due_days": 1}],
        },
        on_duplicate="skip",
    )

    assert values_of(ann) == before
    bob = Person.objects.get(email="bob@acme.test")
    assert bob.company_id == before["company_id"]
    assert [entry[:4] for entry in change_log_of(import_)] == [("person", bob.pk, 2, "created")]
    assert import_.counts == {"company": counts(skipped=1), "person": counts(created=1, skipped=1)}


def test_updates_may_refer_to_records_that_the_same_import_creates(acme: NewOrganization, ann: Person) -> None:
    import_ = import_rows(
        acme,
        {
            "person": [
                {"email": ann.email, "company": "Greens", "custom_fields": {"company_id": -2}},
                {"first_name": "Bob", "company": "greens"},
            ],
            "company": [{"name": "Reds"}, {"name": "Greens"}],
        },
        on_duplicate="update",
    )

    reds, greens = Company.objects.get(name="Reds"), Company.objects.get(name="Greens")
    bob = Person.objects.get(first_name="Bob")
    ann.refresh_from_db()
    assert (ann.company, bob.company) == (greens, greens)
    assert change_log_of(import_) == [
        ("company", greens.pk, 2, "created", None, {"name": "Greens", "default_currency": "USD"}),
        ("person", bob.pk, 2, "created", None, {"first_name": "Bob", "company_id": greens.pk}),
        (
            "person",
            ann.pk,
            1,
            "updated",
            {"company_id": reds.pk, "custom_fields": {"x": 1}},
            {"company_id": greens.pk, "custom_fields": {"company_id": -2}},
        ),
    ]


def test_every_error_is_reported_and_nothing_is_written(acme: NewOrganization, ann: Person) -> None:
    make_company(organization=acme.organization, name="reds")
    rows = {
        "company": [{"name": "Reds"}, {"name": "Blues", "due_days": -1}],
        "person": [
            {"email": ann.email, "first_name": None},
            {"email": "ANN@ACME.TEST"},
            {"email": "new@acme.test", "company": "Nobody"},
        ],
    }
    before = take_snapshot()

    with pytest.raises(RowsInvalid) as refused:
        create_import(organization=acme.organization, creator=acme.person, import_data=rows, on_duplicate="update")

    def error(row: int, column: str, message: str) -> dict[str, Any]:
        return {"row": row, "column": column, "messages": [message]}

    assert refused.value.detail == {
        "company": [
            error(1, "name", "Name is ambiguous"),
            error(2, "due_days", "Due days must be 0 or more"),
        ],
        "person": [
            error(1, "first_name", "First name can't be blank"),
            error(2, "email", "Email has already been taken by row 1"),
            error(3, "first_name", "First name can't be blank"),
            error(3, "company", "Company must exist"),
        ],
    }
    assert take_snapshot() == before


def test_records_of_another_organization_are_no_duplicates(acme: NewOrganization) -> None:
    globex = make_organization(name="Globex")
    theirs = make_person(organization=globex.organization, email="ann@acme.test")
    before = values_of(theirs)

    import_ = import_rows(acme, {"person": [{"email": "ann@acme.test", "first_name": "Ann"}]}, on_duplicate="update")

    assert values_of(theirs) == before
    assert import_.counts == {"person": counts(created=1)}


def test_the_on_duplicate_that_was_sent_last_counts(acme: NewOrganization, ann: Person) -> None:
    rows = {"person": [{"email": ann.email, "title": "Chief"}]}
    import_ = create_import(
        organization=acme.organization, creator=acme.person, import_data=rows, on_duplicate="update"
    )
    known: dict[str, Any] = {"organization": acme.organization, "import_id": import_.pk}

    with pytest.raises(RowsInvalid):
        update_import(**known, import_data=rows, attributes={"on_duplicate": "error"})
    updated = update_import(**known, import_data=rows, attributes={"on_duplicate": "skip"})
    assert updated.on_duplicate == Import.objects.get(pk=import_.pk).on_duplicate == "skip"
    with pytest.raises(RowsInvalid):
        run_import(**known, on_duplicate="error")
    assert Import.objects.get(pk=import_.pk).on_duplicate == "skip"
    assert run_import(**known, on_duplicate="update").counts == {"person": counts(updated=1)}
    assert Import.objects.get(pk=import_.pk).on_duplicate == "update"


def test_without_duplicates_everything_is_created_and_counted(acme: NewOrganization) -> None:
    import_ = import_rows(
        acme, {"person": [{"first_name": "A"}] * 3, "company": [{"name": "Reds"}]}, on_duplicate="error"
    )

    assert import_.counts == {"person": counts(created=3), "company": counts(created=1)}


def test_the_caller_of_a_run_is_stored(acme: NewOrganization) -> None:
    rows = {"person": [{"first_name": "A"}]}
    import_ = create_import(organization=acme.organization, creator=acme.person, import_data=rows)
    assert import_.processed_by is None

    run_import(organization=acme.organization, import_id=import_.pk, actor=Actor("person", "Ada", acme.person.pk))

    kept = Import.objects.get(pk=import_.pk).processed_by
    assert kept == {"kind": "person", "name": "Ada", "id": acme.person.pk}
