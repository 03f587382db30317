"""Undoing imports that updated records: exactly the values they replaced, and nothing that others wrote since."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from companies.models import Company
from importsvc.engine.conflicts import Conflict
from importsvc.engine.undo import OnConflict, UndoReport, undo
from importsvc.imports.models import Change, Import
from importsvc.imports.services import create_import, run_import
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_company, make_person
from tests.snapshots import take_snapshot

WITHOUT_JOURNAL = ("imports_import", "imports_change")


@pytest.fixture
def reds(acme: NewOrganization) -> Company:
    return make_company(organization=acme.organization, name="Reds", due_days=30)


@pytest.fixture
def ann(acme: NewOrganization, reds: Company) -> Person:
    return make_person(
        organization=acme.organization, email="ann@acme.test", title="Boss", company=reds, custom_fields={"x": 1}
    )


def update(acme: NewOrganization, **rows: list[dict[str, Any]]) -> Import:
    import_ = create_import(
        organization=acme.organization, creator=acme.person, import_data=rows, on_duplicate="update"
    )
    return run_import(organization=acme.organization, import_id=import_.pk)


def execute(sql: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def outcomes(import_: Import) -> list[tuple[Any, ...]]:
    changes = Change.objects.filter(import_record=import_).order_by("record_type", "row")
    return list(changes.values_list("record_type", "row", "outcome", "kept_fields"))


def values_of(record: Any, *names: str) -> tuple[Any, ...]:
    return tuple(type(record)._default_manager.values_list(*names).get(pk=record.pk))


ROWS: dict[str, list[dict[str, Any]]] = {
    "company": [{"name": "REDS", "due_days": None}, {"name": "Greens"}],
    "person": [
        {"email": "ann@acme.test", "title": "Chief", "company": "Greens", "custom_fields": None},
        {"first_name": "Bob", "company": "Reds"},
    ],
}


def test_values_are_restored_and_created_records_removed(acme: NewOrganization, ann: Person) -> None:
    before = take_snapshot(without=WITHOUT_JOURNAL)
    import_ = update(acme, **ROWS)

    report = undo(import_id=import_.pk)

    assert report == UndoReport({"company": 1, "person": 1}, [], 0, restored={"company": 1, "person": 1})
    assert take_snapshot(without=WITHOUT_JOURNAL) == before
    assert {entry[2:] for entry in outcomes(import_)} == {(None, None)}


def test_two_imports_undone_in_reverse_order_restore_the_first_state_to_the_last_digit(
    acme: NewOrganization, ann: Person
) -> None:
    execute("UPDATE people_person SET custom_fields = %s WHERE id = %s", '{"x": 0.1234567890123456789012}', ann.pk)
    before = take_snapshot(without=WITHOUT_JOURNAL)
    first = update(acme, **ROWS)
    between = take_snapshot(without=WITHOUT_JOURNAL)
    second = update(acme, person=[{"email": "Ann@acme.test", "title": "Chair", "custom_fields": {"y": 1e-7}}])

    (conflict,) = undo(import_id=first.pk).conflicts
    assert (conflict.record_id, conflict.fields) == (ann.pk, ("custom_fields", "title"))
    assert undo(import_id=second.pk).restored == {"person": 1}
    assert take_snapshot(without=WITHOUT_JOURNAL) == between
    assert undo(import_id=first.pk).restored == {"company": 1, "person": 1}
    assert take_snapshot(without=WITHOUT_JOURNAL) == before
    with connection.cursor() as cursor:  # Python would read fewer digits
        cursor.execute("SELECT custom_fields::text FROM people_person WHERE id = %s", [ann.pk])
        assert cursor.fetchone() == ('{"x": 0.1234567890123456789012}',)


def test_an_edit_of_an_updated_column_is_a_conflict_with_both_values(acme: NewOrganization, ann: Person) -> None:
    import_ = update(acme, **ROWS)
    execute("UPDATE people_person SET title = 'Chair' WHERE id = %s", ann.pk)
    before = take_snapshot()

    (conflict,) = undo(import_id=import_.pk).conflicts

    assert conflict == Conflict(Person, ann.pk, 1, fields=("title",))
    assert (conflict.reason, conflict.then, conflict.now) == ("changed", {"title": "Chief"}, {"title": "Chair"})
    assert take_snapshot() == before


@pytest.mark.parametrize("on_conflict", ["refuse", "keep", "discard"])
def test_edits_of_other_columns_and_references_to_updated_records_are_left_alone(
    acme: NewOrganization, ann: Person, reds: Company, on_conflict: OnConflict
) -> None:
    import_ = update(acme, **ROWS)
    Person.objects.filter(pk=ann.pk).update(last_name="Lee", tag_list=["a"])
    other = make_person(organization=acme.organization, first_name="Zoe", company=reds)

    report = undo(import_id=import_.pk, on_conflict=on_conflict)

    assert report.restored == {"company": 1, "person": 1}
    assert values_of(ann, "title", "company_id", "last_name", "tag_list") == ("Boss", reds.pk, "Lee", ["a"])
    assert values_of(other, "company_id") == (reds.pk,)
    assert values_of(reds, "name", "due_days") == ("Reds", 30)


def test_keep_restores_field_by_field_and_leaves_what_somebody_wrote(
    acme: NewOrganization, ann: Person, reds: Company
) -> None:
    import_ = update(acme, **ROWS)
    Person.objects.filter(pk=ann.pk).update(title="Chair")

    report = undo(import_id=import_.pk, on_conflict="keep")

    assert report == UndoReport(
        {"company": 1, "person": 1}, [], 0, restored={"company": 1, "person": 0}, kept={"person": 1}
    )
    assert values_of(ann, "title", "company_id", "custom_fields") == ("Chair", reds.pk, {"x": 1})
    assert outcomes(import_) == [
        ("company", 1, None, None),
        ("company", 2, None, None),
        ("person", 1, "kept", ["title"]),
        ("person", 2, None, None),
    ]


def test_discard_restores_what_somebody_wrote_over_as_well(acme: NewOrganization, ann: Person) -> None:
    before = take_snapshot(without=WITHOUT_JOURNAL)
    import_ = update(acme, **ROWS)
    Person.objects.filter(pk=ann.pk).update(title="Chair")
    Person.objects.filter(first_name="Bob").update(title="New")

    report = undo(import_id=import_.pk, on_conflict="discard")

    assert report == UndoReport({"company": 1, "person": 1}, [], 0, restored={"company": 1, "person": 1})
    assert take_snapshot(without=WITHOUT_JOURNAL) == before


@pytest.mark.parametrize(("on_conflict", "bobs"), [("keep", 1), ("discard", 0)])
def test_what_is_kept_keeps_what_it_refers_to(
    acme: NewOrganization, ann: Person, on_conflict: OnConflict, bobs: int
) -> None:
    import_ = update(
        acme, company=[{"name": "Greens"}], person=[{"first_name": "Bob", "company": "Greens"}, {"first_name": "Cid"}]
    )
    Person.objects.filter(first_name="Bob").update(title="New")

    report = undo(import_id=import_.pk, on_conflict=on_conflict)

    assert (Person.objects.filter(first_name="Bob").count(), Company.objects.filter(name="Greens").count()) == (
        bobs,
        bobs,
    )
    assert report.removed == {"company": 1 - bobs, "person": 2 - bobs}
    kept: list[Any] = [("company", 1, "kept", []), ("person", 1, "kept", ["title"])] if bobs else []
    assert [entry for entry in outcomes(import_) if entry[2]] == kept


@pytest.mark.parametrize("on_conflict", ["keep", "discard"])
def test_what_something_outside_of_the_import_refers_to_is_never_removed(
    acme: NewOrganization, on_conflict: OnConflict
) -> None:
    import_ = update(acme, company=[{"name": "Greens"}, {"name": "Blues"}], person=[{"first_name": "Bob"}])
    greens = Company.objects.get(name="Greens")
    zoe = make_person(organization=acme.organization, first_name="Zoe", company=greens)

    report = undo(import_id=import_.pk, on_conflict=on_conflict)

    assert (report.removed, report.kept) == ({"company": 1, "person": 1}, {"company": 1})
    assert values_of(zoe, "company_id") == (greens.pk,)
    assert [entry for entry in outcomes(import_) if entry[2]] == [("company", 1, "kept", [])]


def test_a_created_record_that_an_updated_one_was_moved_to_by_the_import_itself_is_no_conflict(
    acme: NewOrganization, ann: Person
) -> None:
    import_ = update(acme, company=[{"name": "Greens"}], person=[{"email": ann.email, "company": "greens"}])

    assert undo(import_id=import_.pk).removed == {"company": 1}
    assert not Company.objects.filter(name="Greens").exists()


def test_a_created_record_that_somebody_moved_another_one_to_is_a_conflict(
    acme: NewOrganization, ann: Person, reds: Company
) -> None:
    import_ = update(acme, company=[{"name": "Greens"}], person=[{"email": ann.email, "title": "Chief"}])
    greens = Company.objects.get(name="Greens")
    Person.objects.filter(pk=ann.pk).update(company=greens)

    (conflict,) = undo(import_id=import_.pk).conflicts
    assert conflict == Conflict(Company, greens.pk, 1, referenced_by=("people", ann.pk))

    report = undo(import_id=import_.pk, on_conflict="discard")
    assert (report.removed, report.restored, report.kept) == ({"company": 0}, {"person": 1}, {"company": 1})
    assert values_of(ann, "title", "company_id") == ("Boss", greens.pk)


@pytest.mark.parametrize("on_conflict", ["keep", "discard"])
def test_a_reference_whose_record_is_gone_cannot_be_restored_and_is_kept(
    acme: NewOrganization, ann: Person, reds: Company, on_conflict: OnConflict
) -> None:
    import_ = update(
        acme, company=[{"name": "Greens"}], person=[{"email": ann.email, "title": "A", "company": "Greens"}]
    )
    greens = Company.objects.get(name="Greens")
    reds.delete()

    (conflict,) = undo(import_id=import_.pk).conflicts
    assert conflict == Conflict(Person, ann.pk, 1, fields=("company_id",), missing="reference")
    assert conflict.reason == "reference_missing"

    report = undo(import_id=import_.pk, on_conflict=on_conflict)
    assert (report.removed, report.restored) == ({"company": 0}, {"person": 0})
    assert report.kept == {"company": 1, "person": 1}
    assert values_of(ann, "title", "company_id") == ("Boss", greens.pk)
    assert outcomes(import_) == [("company", 1, "kept", []), ("person", 1, "kept", ["company_id"])]


@pytest.mark.parametrize("on_conflict", ["refuse", "keep", "discard"])
def test_records_that_are_gone_are_no_obstacle_and_the_journal_says_so(
    acme: NewOrganization, ann: Person, on_conflict: OnConflict
) -> None:
    import_ = update(acme, **ROWS)
    ann.delete()
    Person.objects.filter(first_name="Bob").delete()

    report = undo(import_id=import_.pk, on_conflict=on_conflict)

    assert report == UndoReport(
        {"company": 1, "person": 0}, [], 0, restored={"company": 1, "person": 0}, gone={"person": 2}
    )
    assert [entry for entry in outcomes(import_) if entry[2]] == [
        ("person", 1, "gone", None),
        ("person", 2, "gone", None),
    ]


def rename_in_journal(import_: Import) -> None:
    """As if the journal were older than the model: its entries have a column that there is not any more."""
    for side in ("before", "after"):
        execute(
            f"UPDATE imports_change SET {side} = {side} - 'title' || jsonb_build_object('shoe_size', {side} -> 'title')"
            f" WHERE import_id = %s AND {side} ? 'title'",
            import_.pk,
        )


@pytest.mark.parametrize("on_conflict", ["keep", "discard"])
def test_a_column_that_is_gone_is_a_conflict_that_says_so_and_nothing_else_is_lost(
    acme: NewOrganization, ann: Person, on_conflict: OnConflict
) -> None:
    import_ = update(acme, person=[{"email": ann.email, "title": "Chief", "custom_fields": {"x": 2}}])
    rename_in_journal(import_)

    (conflict,) = undo(import_id=import_.pk).conflicts
    assert conflict == Conflict(Person, ann.pk, 1, fields=("shoe_size",), missing="column")
    assert conflict.reason == "column_missing"

    assert undo(import_id=import_.pk, on_conflict=on_conflict).kept == {"person": 1}
    assert values_of(ann, "title", "custom_fields") == ("Chief", {"x": 1})
    assert outcomes(import_) == [("person", 1, "kept", ["shoe_size"])]


@pytest.mark.parametrize(("on_conflict", "kept"), [("keep", {"person": 1}), ("discard", {})])
def test_a_created_record_stays_for_a_column_that_is_gone_unless_all_is_discarded(
    acme: NewOrganization, on_conflict: OnConflict, kept: dict[str, int]
) -> None:
    import_ = update(acme, person=[{"first_name": "Bob", "title": "Chief"}])
    bob = Person.objects.get(first_name="Bob")
    bob.title = None
    bob.save()
    rename_in_journal(import_)

    (conflict,) = undo(import_id=import_.pk).conflicts
    assert conflict == Conflict(Person, bob.pk, 1, fields=("shoe_size",), missing="column")

    assert undo(import_id=import_.pk, on_conflict=on_conflict).kept == kept
    assert Person.objects.filter(pk=bob.pk).exists() == bool(kept)
