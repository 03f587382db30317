"""Undoing an import: exactly what it did and nothing else, or the names of what stands in the way (contract, 2.7)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, models
from django.utils import timezone

from companies.models import Company
from importsvc.engine.revert.changes import UnknownTypeError
from importsvc.engine.revert.conflicts import Conflict, Reason
from importsvc.engine.revert.preview import UndoPreview
from importsvc.engine.revert.revert import UndoReport, undo
from importsvc.engine.schema import registry
from importsvc.imports.models import Import
from importsvc.imports.services import create_import, run_import
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_company, make_import, make_organization, make_person
from tests.engine.updates import IMPORT_TABLES
from tests.snapshots import take_snapshot

ROWS = {
    "company": [
        {"name": "Reds", "tag_list": "a,b", "custom_fields": {"a": [1.50, None]}, "due_days": 30},
        {"name": "Blues"},
    ],
    "person": [
        {"first_name": "Ann", "company": "Reds", "email": "ann@acme.test", "tag_list": ["x"]},
        {"first_name": "Bob"},
        {"first_name": "Cid", "company": "Blues"},
    ],
}
ALL = {"company": 2, "person": 3}

# Another value for every column of the models, whether rows fill it or not.
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


def run(acme: NewOrganization, rows: Any = ROWS) -> Import:
    import_ = create_import(organization=acme.organization, creator=acme.person, import_data=rows)
    return run_import(organization=acme.organization, import_id=import_.pk)


def execute(sql: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def assert_conflicts(import_: Import, *conflicts: Conflict) -> None:
    """Undoing reports these conflicts and touches nothing, and so does a preview."""
    before = take_snapshot()
    report = undo(organization_id=import_.organization_id, import_id=import_.pk)
    assert [without_values(conflict) for conflict in report.conflicts] == list(conflicts)
    assert report == UndoReport(conflicts=report.conflicts, conflict_count=len(conflicts))
    assert UndoPreview(organization_id=import_.organization_id, import_id=import_.pk).report_conflicts() == report
    assert take_snapshot() == before


def without_values(conflict: Conflict) -> Conflict:
    """The conflict without values, and as if one thing referred to the record where several do."""
    return replace(conflict, then={}, now={}, referrers=min(conflict.referrers, 1))


def referenced(model: type[models.Model], record_id: int, row: int, by: tuple[str, int | None]) -> Conflict:
    """The conflict that something refers to a record."""
    return Conflict(model, record_id, row, Reason.REFERENCED, referenced_by=by, referrers=1)


def assert_undone(import_: Import, **removed: int) -> None:
    """Undoing removes this many records."""
    report = UndoReport(
        removed={**ALL, **removed},
        restored=dict.fromkeys(ALL, 0),
        kept=dict.fromkeys(ALL, 0),
        gone={name: count - {**ALL, **removed}[name] for name, count in ALL.items()},
    )
    assert undo(organization_id=import_.organization_id, import_id=import_.pk) == report


def test_everything_the_import_made_is_removed_and_the_change_log_stays(acme: NewOrganization) -> None:
    run(acme, {"company": [{"name": "Greens"}], "person": [{"first_name": "Zoe", "company": "Greens"}]})
    before = take_snapshot(without=IMPORT_TABLES)
    import_ = run(acme)
    change_log = list(import_.changes.order_by("id").values())

    assert_undone(import_)

    assert take_snapshot(without=IMPORT_TABLES) == before
    assert list(import_.changes.order_by("id").values()) == change_log
    assert len(change_log) == 5


def test_an_import_that_wrote_nothing_is_undone_by_nothing(acme: NewOrganization) -> None:
    import_ = make_import(creator=acme.person)

    assert undo(organization_id=acme.organization.pk, import_id=import_.pk) == UndoReport()


@pytest.mark.parametrize(("model", "column"), COLUMNS)
def test_an_edit_of_any_column_is_a_conflict_that_names_it(
    acme: NewOrganization, model: type[models.Model], column: str
) -> None:
    import_ = run(acme)
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
def test_plain_sql_does_not_go_unnoticed(acme: NewOrganization, sql: str, fields: tuple[str, ...]) -> None:
    import_ = run(acme)
    bob = Person.objects.get(first_name="Bob")

    execute(sql)

    assert_conflicts(import_, Conflict(Person, bob.pk, 2, fields=fields))


def test_a_record_that_was_moved_to_another_organization_is_gone_and_not_ours_to_remove(acme: NewOrganization) -> None:
    import_ = run(acme)
    bob = Person.objects.get(first_name="Bob")

    execute("UPDATE people_person SET organization_id = %s WHERE id = %s", make_organization().organization.pk, bob.pk)

    assert_undone(import_, person=ALL["person"] - 1)
    assert Person.objects.filter(pk=bob.pk).exists()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE people_person SET first_name = first_name",
        "UPDATE companies_company SET custom_fields = '{\"a\": [1.500, null]}' WHERE name = 'Reds'",
        "UPDATE people_person SET custom_fields = 'null' WHERE custom_fields IS NULL",
        "UPDATE people_person SET title = 'Dr'; UPDATE people_person SET title = NULL",
        "UPDATE companies_company SET created_at = created_at AT TIME ZONE 'UTC' AT TIME ZONE 'UTC'",
    ],
)
def test_what_was_written_anew_or_changed_back_is_as_it_was(acme: NewOrganization, sql: str) -> None:
    import_ = run(acme)

    execute(sql)

    assert_undone(import_)


def test_records_that_are_gone_are_no_obstacle_and_are_not_counted(acme: NewOrganization) -> None:
    import_ = run(acme)
    Person.objects.filter(first_name__in=["Bob", "Cid"]).delete()
    Company.objects.get(name="Blues").delete()

    assert_undone(import_, company=1, person=1)


def test_all_of_them_may_be_gone(acme: NewOrganization) -> None:
    import_ = run(acme)
    Person.objects.exclude(pk=acme.person.pk).delete()
    Company.objects.filter(name__in=["Reds", "Blues"]).delete()

    assert_undone(import_, company=0, person=0)


def test_every_conflict_is_named_those_of_companies_first_then_in_row_order(acme: NewOrganization) -> None:
    import_ = run(acme)
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
    import_ = run(acme, {**names, "person": people})
    Company.objects.filter(name__startswith="C").update(due_days=1)
    Person.objects.filter(first_name__startswith="P").update(role_id=1)

    report = undo(organization_id=import_.organization_id, import_id=import_.pk)

    assert report.conflict_count == 1300
    assert [(conflict.model, conflict.row) for conflict in report.conflicts] == [
        *((Company, row) for row in range(1, 601)),
        *((Person, row) for row in range(1, 401)),
    ]
    assert Person.objects.filter(first_name__startswith="P").count() == 700


def test_a_type_that_is_not_registered_any_more_cannot_be_undone(
    acme: NewOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_ = run(acme)
    before = take_snapshot()
    company = registry.get("company")
    monkeypatch.setattr(registry, "_importables", {"company": company})

    with pytest.raises(UnknownTypeError, match=r"^person$"):
        undo(organization_id=import_.organization_id, import_id=import_.pk)

    assert take_snapshot() == before


def test_what_another_import_did_is_left_alone(acme: NewOrganization) -> None:
    import_ = run(acme)
    before = take_snapshot()
    other = run(acme, {"person": [{"first_name": "Zoe", "email": "zoe@acme.test"}]})
    make_company(organization=acme.organization, name="By hand").delete()

    assert undo(organization_id=other.organization_id, import_id=other.pk).removed == {"person": 1}

    other.changes.all().delete()
    other.delete()
    assert take_snapshot() == before
    assert_undone(import_)
