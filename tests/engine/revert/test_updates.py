"""Undoing an import's updates gives the records their previous values, and changes nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from companies.models import Company
from importsvc.engine.revert.conflicts import Conflict, Reason
from importsvc.engine.revert.revert import UndoReport, undo
from importsvc.imports.models import Import
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_company, make_import, make_organization, make_person
from tests.engine.revert.undoing import ROWS, execute
from tests.engine.updates import IMPORT_TABLES, update_by_import
from tests.imports.steps import import_rows
from tests.interleaving import ask
from tests.snapshots import take_snapshot


@pytest.fixture
def import_(acme: NewOrganization) -> Import:
    """An import without changes so far."""
    return make_import(creator=acme.person)


@pytest.fixture
def ann(acme: NewOrganization) -> Person:
    """A person that existed before."""
    return make_person(organization=acme.organization, first_name="Ann", title="Dr", tag_list=["a"], role_id=1)


def report(**counts: int) -> UndoReport:
    """A report about people only."""
    removed, restored, kept, gone = (
        {"person": counts.get(name, 0)} for name in ("removed", "restored", "kept", "gone")
    )
    return UndoReport(removed=removed, restored=restored, kept=kept, gone=gone)


def assert_refused(import_: Import, *conflicts: Conflict) -> None:
    """Undoing reports these conflicts and changes nothing."""
    before = take_snapshot()
    assert undo(organization_id=import_.organization_id, import_id=import_.pk) == UndoReport(
        conflicts=list(conflicts), conflict_count=len(conflicts)
    )
    assert take_snapshot() == before


def test_updated_records_get_back_their_previous_values(acme: NewOrganization, import_: Import, ann: Person) -> None:
    reds = make_company(organization=acme.organization, name="Reds", due_days=7)
    before = take_snapshot(without=IMPORT_TABLES)
    update_by_import(import_, ann, title=None, tag_list=["b"], company_id=reds.pk, custom_fields={"a": 1.5})
    update_by_import(import_, reds, name="REDS", due_days=None)
    change_log = list(import_.changes.order_by("id").values())

    expected = UndoReport(
        removed={"company": 0, "person": 0},
        restored={"company": 1, "person": 1},
        kept={"company": 0, "person": 0},
        gone={"company": 0, "person": 0},
    )
    assert undo(organization_id=import_.organization_id, import_id=import_.pk) == expected

    assert take_snapshot(without=IMPORT_TABLES) == before
    assert list(import_.changes.order_by("id").values()) == change_log


def test_created_records_are_removed_after_references_to_them_are_restored(acme: NewOrganization, ann: Person) -> None:
    blues = make_company(organization=acme.organization, name="Old blues")
    Person.objects.filter(pk=ann.pk).update(company=blues)
    before = take_snapshot(without=IMPORT_TABLES)
    import_ = import_rows(acme, ROWS)
    update_by_import(import_, ann, row=9, company_id=Company.objects.get(name="Reds").pk)

    assert undo(organization_id=import_.organization_id, import_id=import_.pk) == UndoReport(
        removed={"company": 2, "person": 3},
        restored={"company": 0, "person": 1},
        kept={"company": 0, "person": 0},
        gone={"company": 0, "person": 0},
    )

    assert take_snapshot(without=IMPORT_TABLES) == before


@pytest.mark.parametrize(
    ("after", "edit", "then", "now"),
    [
        ({"title": "Prof"}, "title = 'Sir'", {"title": "Prof"}, {"title": "Sir"}),
        ({"title": "Prof"}, "title = NULL", {"title": "Prof"}, {"title": None}),
        ({"title": None}, "title = ''", {"title": None}, {"title": ""}),
        (
            {"title": "Prof", "tag_list": ["b"], "last_name": "Lee"},
            "tag_list = '{c}', title = 'Sir'",
            {"tag_list": ["b"], "title": "Prof"},
            {"tag_list": ["c"], "title": "Sir"},
        ),
        (
            {"custom_fields": {"a": 1}},
            """custom_fields = '{"a": 2}'""",
            {"custom_fields": {"a": 1}},
            {"custom_fields": {"a": 2}},
        ),
        ({"title": "Prof"}, "title = 'Dr'", {"title": "Prof"}, {"title": "Dr"}),
    ],
)
def test_an_edit_of_a_column_that_the_import_changed_is_a_conflict(
    import_: Import, ann: Person, after: dict[str, Any], edit: str, then: dict[str, Any], now: dict[str, Any]
) -> None:
    update_by_import(import_, ann, row=4, **after)

    execute(f"UPDATE people_person SET {edit} WHERE id = %s", ann.pk)

    assert_refused(import_, Conflict(Person, ann.pk, 4, Reason.CHANGED, tuple(then), then, now))


@pytest.mark.parametrize(
    ("after", "edit"),
    [
        ({"custom_fields": {"a": [1.50, None]}}, """custom_fields = '{"a": [1.500, null]}'"""),
        ({"title": "Prof"}, "title = title"),
        ({"joined_at": "2024-01-01T01:00:00+01:00"}, "joined_at = '2024-01-01 00:00:00Z'"),
    ],
)
def test_the_same_value_in_another_spelling_is_no_edit(
    import_: Import, ann: Person, after: dict[str, Any], edit: str
) -> None:
    Person.objects.filter(pk=ann.pk).update(custom_fields={"b": 1})
    update_by_import(import_, ann, **after)

    execute(f"UPDATE people_person SET {edit} WHERE id = %s", ann.pk)

    assert undo(organization_id=import_.organization_id, import_id=import_.pk) == report(restored=1)
    ann.refresh_from_db()
    assert (ann.title, ann.custom_fields, ann.joined_at) == ("Dr", {"b": 1}, None)


def test_edits_of_other_columns_and_references_to_an_updated_record_are_no_conflict(
    import_: Import, ann: Person
) -> None:
    update_by_import(import_, ann, title="Prof")
    Person.objects.filter(pk=ann.pk).update(role_id=7, last_name="Lee")
    make_import(creator=ann)

    assert undo(organization_id=import_.organization_id, import_id=import_.pk) == report(restored=1)

    ann.refresh_from_db()
    assert (ann.title, ann.last_name, ann.role_id) == ("Dr", "Lee", 7)


def test_a_new_value_of_an_ignored_field_is_no_edit(acme: NewOrganization, ann: Person) -> None:
    import_ = import_rows(acme, {"person": [{"first_name": "Bob"}]})
    update_by_import(import_, ann, row=2, last_seen_at="2024-01-01T00:00:00Z")
    Person.objects.update(last_seen_at=timezone.now())

    assert undo(organization_id=import_.organization_id, import_id=import_.pk) == report(removed=1, restored=1)
    assert Person.objects.get(pk=ann.pk).last_seen_at is None


@pytest.mark.parametrize("table", ["people_person", "companies_company"])
def test_no_record_has_the_null_of_json_which_the_change_log_could_not_tell_from_that_of_sql(
    ann: Person, table: str
) -> None:
    name = f"{'person' if table == 'people_person' else 'company'}_custom_fields_not_json_null"

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        execute(f"UPDATE {table} SET custom_fields = 'null'")

    execute(f"UPDATE {table} SET custom_fields = NULL")
    execute(f"""UPDATE {table} SET custom_fields = '{{"a": null}}'""")


@pytest.mark.parametrize("before", ["NULL", """'{"a": null}'""", "'[null]'", "'{}'"])
def test_nulls_are_restored_as_they_were(import_: Import, ann: Person, before: str) -> None:
    execute(f"UPDATE people_person SET custom_fields = {before} WHERE id = %s", ann.pk)
    kept = take_snapshot(without=IMPORT_TABLES)
    update_by_import(import_, ann, custom_fields={"a": 1})

    undo(organization_id=import_.organization_id, import_id=import_.pk)

    assert take_snapshot(without=IMPORT_TABLES) == kept


def test_numbers_are_restored_to_the_last_digit(acme: NewOrganization, import_: Import, ann: Person) -> None:
    digits = '{"a": 12345678901234567890.1234567890123456789010, "b": 1E+40}'
    execute("UPDATE people_person SET custom_fields = %s::jsonb WHERE id = %s", digits, ann.pk)
    kept = "SELECT custom_fields::text FROM people_person WHERE id = %s"
    before = ask(kept, ann.pk)
    update_by_import(import_, ann, custom_fields={"a": 1})

    undo(organization_id=import_.organization_id, import_id=import_.pk)

    assert ask(kept, ann.pk) == before


def test_updated_records_that_are_gone_are_no_conflict_and_are_logged_as_gone(
    acme: NewOrganization, ann: Person
) -> None:
    import_ = import_rows(acme, {"person": [{"first_name": "Bob"}, {"first_name": "Cid"}]})
    zoe = make_person(organization=acme.organization, first_name="Zoe")
    update_by_import(import_, ann, row=3, title="Prof")
    update_by_import(import_, zoe, row=4, title="Prof")
    Person.objects.filter(first_name__in=["Bob", "Zoe"]).delete()

    assert undo(organization_id=import_.organization_id, import_id=import_.pk) == report(removed=1, restored=1, gone=2)

    outcomes = import_.changes.order_by("row").values_list("row", "outcome", "kept_fields")
    assert list(outcomes) == [(1, "gone", None), (2, None, None), (3, None, None), (4, "gone", None)]


def test_a_previous_company_that_was_deleted_is_a_conflict(acme: NewOrganization, import_: Import, ann: Person) -> None:
    old = make_company(organization=acme.organization, name="Old")
    new = make_company(organization=acme.organization, name="New")
    Person.objects.filter(pk=ann.pk).update(company=old)
    update_by_import(import_, ann, title="Prof", company_id=new.pk)
    old_id = old.pk
    old.delete()

    fields = {"company_id": old_id}
    assert_refused(import_, Conflict(Person, ann.pk, 1, Reason.REFERENCE_GONE, ("company_id",), then=fields))

    assert undo(organization_id=import_.organization_id, import_id=import_.pk, on_conflict="discard") == report(kept=1)
    ann.refresh_from_db()
    assert (ann.title, ann.company) == ("Dr", new)


@pytest.mark.one_server("a record cannot be moved to another organization")
def test_an_updated_record_moved_to_another_organization_counts_as_gone_and_stays_as_it_is(
    acme: NewOrganization, import_: Import, ann: Person
) -> None:
    old = make_company(organization=acme.organization, name="Old")
    Person.objects.filter(pk=ann.pk).update(company=old)
    update_by_import(import_, ann, company_id=None)
    Person.objects.filter(pk=ann.pk).update(organization=make_organization().organization)
    before = take_snapshot(without=IMPORT_TABLES)

    assert undo(organization_id=acme.organization.pk, import_id=import_.pk) == report(gone=1)
    assert take_snapshot(without=IMPORT_TABLES) == before


@pytest.mark.parametrize("on_conflict", ["refuse", "keep", "discard"])
def test_imports_reverted_in_reverse_order_restore_the_first_state(
    acme: NewOrganization, ann: Person, on_conflict: Any
) -> None:
    before = take_snapshot(without=IMPORT_TABLES)
    first = import_rows(acme, ROWS)
    update_by_import(first, ann, row=9, title="Prof", last_name="Lee", company_id=Company.objects.get(name="Reds").pk)
    middle = take_snapshot(without=IMPORT_TABLES)
    second = import_rows(acme, {"company": [{"name": "Greens"}]})
    update_by_import(second, ann, title="Sir", company_id=Company.objects.get(name="Greens").pk)
    update_by_import(second, Person.objects.get(first_name="Bob"), row=2, title="Mr")

    undo(organization_id=second.organization_id, import_id=second.pk, on_conflict=on_conflict)
    assert take_snapshot(without=IMPORT_TABLES) == middle
    undo(organization_id=first.organization_id, import_id=first.pk, on_conflict=on_conflict)
    assert take_snapshot(without=IMPORT_TABLES) == before


def test_an_update_by_a_later_import_is_an_edit(acme: NewOrganization, ann: Person) -> None:
    first = make_import(creator=acme.person)
    update_by_import(first, ann, title="Prof", last_name="Lee")
    update_by_import(make_import(creator=acme.person), ann, title="Sir")

    then, now = {"title": "Prof"}, {"title": "Sir"}
    assert_refused(first, Conflict(Person, ann.pk, 1, Reason.CHANGED, ("title",), then, now))

    assert undo(organization_id=first.organization_id, import_id=first.pk, on_conflict="keep") == report(kept=1)
    ann.refresh_from_db()
    assert (ann.title, ann.last_name) == ("Sir", None)
