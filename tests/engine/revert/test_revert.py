"""Undoing an import reverts exactly its changes, or reports every conflict (contract, section 2.7)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import models
from django.utils import timezone

from companies.models import Company
from importsvc.changelog.models import CreatedChunk
from importsvc.engine.revert.changes import UnknownTypeError
from importsvc.engine.revert.conflicts import Conflict
from importsvc.engine.revert.revert import UndoReport, undo
from importsvc.engine.schema import registry
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_company, make_import, make_organization, make_person
from tests.engine.revert.undoing import ALL, ROWS, assert_conflicts, assert_undone, execute, referenced
from tests.engine.updates import IMPORT_TABLES
from tests.imports.steps import import_rows
from tests.snapshots import take_snapshot

# A different value for every column of the models, also those that rows cannot fill.
OTHER_VALUES: dict[type[models.Model], dict[str, Any]] = {
    Company: {
        "name": "blues",
        "default_currency": "EUR",
        "created_at": timezone.now(),
        "archived_at": timezone.now(),
        "avatar_url": "",
        "invoice_email_recipients": {"a": 1},
        "custom_fields": {},
        "description": "",
        "due_days": 0,
        "tag_list": [""],
    },
    Person: {
        "company_id": None,
        "first_name": "CID",
        "last_name": "",
        "email": "cid@acme.test",
        "title": "Dr",
        "joined_at": timezone.now(),
        "deactivated_at": timezone.now(),
        "archived_at": timezone.now(),
        "role_id": 0,
        "invited_at": timezone.now(),
        "is_user": True,
        "tag_list": ["a"],
        "avatar_url": "https://acme.test/a.png",
        "virtual": True,
        "custom_fields": {"a": None},
        "autotracking": True,
        "created_at": timezone.now(),
        "placeholder": True,
        "color_id": 7,
        "private_custom_reports_used": 1,
    },
}
COLUMNS = [
    pytest.param(model, field.attname, id=field.attname)
    for model in OTHER_VALUES
    for field in model._meta.concrete_fields
    if field.attname in OTHER_VALUES[model]
]


def test_every_created_record_is_removed_and_the_change_log_stays(acme: NewOrganization) -> None:
    import_rows(acme, {"company": [{"name": "Greens"}], "person": [{"first_name": "Zoe", "company": "Greens"}]})
    before = take_snapshot(without=IMPORT_TABLES)
    import_ = import_rows(acme, ROWS)
    change_log = list(import_.changes.order_by("id").values())

    assert_undone(import_)

    assert take_snapshot(without=IMPORT_TABLES) == before
    assert list(import_.changes.order_by("id").values()) == change_log
    assert len(change_log) == 5


def test_undoing_an_import_that_wrote_nothing_changes_nothing(acme: NewOrganization) -> None:
    import_ = make_import(creator=acme.person)

    assert undo(organization_id=acme.organization.pk, import_id=import_.pk) == UndoReport()


@pytest.mark.parametrize(("model", "column"), COLUMNS)
def test_an_edit_of_any_column_is_a_conflict_that_names_it(
    acme: NewOrganization, model: type[models.Model], column: str
) -> None:
    import_ = import_rows(acme, ROWS)
    record = model._default_manager.get(**({"name": "Blues"} if model is Company else {"first_name": "Cid"}))

    model._default_manager.filter(pk=record.pk).update(**{column: OTHER_VALUES[model][column]})

    assert_conflicts(import_, Conflict(model, record.pk, 2 if model is Company else 3, fields=(column,)))


@pytest.mark.parametrize(
    ("sql", "fields"),
    [
        ("UPDATE people_person SET title = 'Dr', last_name = 'B' WHERE first_name = 'Bob'", ("last_name", "title")),
        ("UPDATE people_person SET custom_fields = '[]' WHERE first_name = 'Bob'", ("custom_fields",)),
        ("UPDATE people_person SET tag_list = tag_list || '{y}' WHERE first_name = 'Bob'", ("tag_list",)),
    ],
)
def test_an_edit_by_plain_sql_is_a_conflict(acme: NewOrganization, sql: str, fields: tuple[str, ...]) -> None:
    import_ = import_rows(acme, ROWS)
    bob = Person.objects.get(first_name="Bob")

    execute(sql)

    assert_conflicts(import_, Conflict(Person, bob.pk, 2, fields=fields))


@pytest.mark.one_server("a record cannot be moved to another organization")
def test_a_record_moved_to_another_organization_counts_as_gone_and_is_not_removed(acme: NewOrganization) -> None:
    import_ = import_rows(acme, ROWS)
    bob = Person.objects.get(first_name="Bob")

    execute("UPDATE people_person SET organization_id = %s WHERE id = %s", make_organization().organization.pk, bob.pk)

    assert_undone(import_, person=ALL["person"] - 1)
    assert Person.objects.filter(pk=bob.pk).exists()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE people_person SET first_name = first_name",
        "UPDATE companies_company SET custom_fields = '{\"a\": [1.500, null]}' WHERE name = 'Reds'",
        "UPDATE people_person SET title = 'Dr'; UPDATE people_person SET title = NULL",
        "UPDATE companies_company SET created_at = created_at AT TIME ZONE 'UTC' AT TIME ZONE 'UTC'",
    ],
)
def test_a_value_rewritten_or_changed_back_is_no_edit(acme: NewOrganization, sql: str) -> None:
    import_ = import_rows(acme, ROWS)

    execute(sql)

    assert_undone(import_)


def test_records_that_are_gone_are_no_conflict_and_are_not_counted(acme: NewOrganization) -> None:
    import_ = import_rows(acme, ROWS)
    Person.objects.filter(first_name__in=["Bob", "Cid"]).delete()
    Company.objects.get(name="Blues").delete()

    assert_undone(import_, company=1, person=1)


def test_an_import_whose_records_are_all_gone_is_undone(acme: NewOrganization) -> None:
    import_ = import_rows(acme, ROWS)
    Person.objects.exclude(pk=acme.person.pk).delete()
    Company.objects.filter(name__in=["Reds", "Blues"]).delete()

    assert_undone(import_, company=0, person=0)


def test_every_conflict_is_named_by_type_and_then_in_row_order(acme: NewOrganization) -> None:
    import_ = import_rows(acme, ROWS)
    reds, blues = (Company.objects.get(name=name) for name in ("Reds", "Blues"))
    cid, ann = (Person.objects.get(first_name=name) for name in ("Cid", "Ann"))
    zoe = make_person(organization=acme.organization, company=blues)
    Person.objects.update(title="Dr")
    Person.objects.filter(first_name="Bob").update(title=None)
    Company.objects.filter(pk__in=[reds.pk, blues.pk]).update(due_days=7)

    assert_conflicts(
        import_,
        Conflict(Company, reds.pk, 1, fields=("due_days",)),
        Conflict(Company, blues.pk, 2, fields=("due_days",)),
        referenced(Company, blues.pk, 2, ("people", zoe.pk)),
        Conflict(Person, ann.pk, 1, fields=("title",)),
        Conflict(Person, cid.pk, 3, fields=("title",)),
    )


def test_a_thousand_conflicts_are_reported_and_all_are_counted(acme: NewOrganization) -> None:
    names = {"company": [{"name": f"C{row}"} for row in range(600)]}
    people = [{"first_name": f"P{row}", "company": f"C{row % 600}"} for row in range(700)]
    import_ = import_rows(acme, {**names, "person": people})
    Company.objects.filter(name__startswith="C").update(due_days=1)
    Person.objects.filter(first_name__startswith="P").update(role_id=1)

    report = undo(organization_id=import_.organization_id, import_id=import_.pk)

    assert report.conflict_count == 1300
    assert [(conflict.model, conflict.row) for conflict in report.conflicts] == [
        *((Company, row) for row in range(1, 601)),
        *((Person, row) for row in range(1, 401)),
    ]
    assert Person.objects.filter(first_name__startswith="P").count() == 700


def test_records_of_an_unregistered_type_cannot_be_undone(
    acme: NewOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_ = import_rows(acme, ROWS)
    before = take_snapshot()
    company = registry.get("company")
    monkeypatch.setattr(registry, "_importables", {"company": company})

    with pytest.raises(UnknownTypeError, match=r"^person$"):
        undo(organization_id=import_.organization_id, import_id=import_.pk)

    assert take_snapshot() == before


def test_records_of_another_import_are_left_alone(acme: NewOrganization) -> None:
    import_ = import_rows(acme, ROWS)
    before = take_snapshot()
    other = import_rows(acme, {"person": [{"first_name": "Zoe", "email": "zoe@acme.test"}]})
    make_company(organization=acme.organization, name="By hand").delete()

    assert undo(organization_id=other.organization_id, import_id=other.pk).removed == {"person": 1}

    CreatedChunk.objects.filter(organization=acme.organization, import_record=other).delete()
    other.delete()
    assert take_snapshot() == before
    assert_undone(import_)
