"""Undoing an import whose changes have columns that were dropped from the tables since."""

from __future__ import annotations

from typing import Any

import pytest

from companies.models import Company
from importsvc.engine.revert.conflicts import Conflict, Reason
from importsvc.engine.revert.revert import OnConflict, UndoReport, undo
from importsvc.imports.models import Import
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_import, make_person
from tests.engine.revert.undoing import execute
from tests.engine.updates import log_one_by_one, update_by_import
from tests.foreign_keys import COMPANY, drop_key
from tests.imports.steps import import_rows
from tests.interleaving import ask


@pytest.fixture
def import_(acme: NewOrganization) -> Import:
    """An import that created the company Reds and the people Ann and Bob."""
    made = import_rows(
        acme,
        {
            "company": [{"name": "Reds"}],
            "person": [{"first_name": "Ann", "title": "Dr", "company": "Reds"}, {"first_name": "Bob"}],
        },
    )
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    return made


@pytest.fixture
def zoe(acme: NewOrganization, import_: Import) -> int:
    """The id of a person that existed before, and that the import updated."""
    zoe = make_person(organization=acme.organization, first_name="Zoe", title="Ms", last_name="Lee")
    update_by_import(import_, zoe, row=3, title="Prof", last_name="Ray")
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    return zoe.pk


def drop(column: str) -> None:
    execute(f"ALTER TABLE people_person DROP COLUMN {column} CASCADE")


def remember(column: str, *, before: Any = None, after: Any = "1", row: int) -> None:
    """Log a value of a column that the table never had."""
    log_one_by_one(Import.objects.get())
    execute(
        "UPDATE changelog_change SET after = after || jsonb_build_object(%s::text, %s::text),"
        " before = before || jsonb_build_object(%s::text, %s::text) WHERE record_type = 'person' AND row = %s",
        column,
        after,
        column,
        before,
        row,
    )


def outcomes(import_: Import) -> list[Any]:
    changes = import_.changes.exclude(outcome=None).order_by("record_type", "row", "id")
    return list(changes.values_list("record_type", "row", "outcome", "kept_fields"))


def first_names() -> list[str]:
    return list(Person.objects.order_by("first_name", "id").values_list("first_name", flat=True))


def test_a_dropped_column_is_a_conflict_with_a_reason_of_its_own(import_: Import, zoe: int) -> None:
    ann = Person.objects.get(first_name="Ann")
    drop("title")

    report = undo(organization_id=import_.organization_id, import_id=import_.pk)

    assert report == UndoReport(
        conflicts=[
            Conflict(Person, ann.pk, 1, Reason.COLUMN_GONE, ("title",), then={"title": "Dr"}),
            Conflict(Person, zoe, 3, Reason.COLUMN_GONE, ("title",), then={"title": "Prof"}),
        ],
        conflict_count=2,
    )
    assert first_names() == ["Ada", "Ann", "Bob", "Zoe"]


def test_keeping_keeps_records_with_a_dropped_column(import_: Import, zoe: int) -> None:
    drop("title")

    report = undo(organization_id=import_.organization_id, import_id=import_.pk, on_conflict="keep")

    assert report.removed == {"company": 0, "person": 1}
    assert report.kept == {"company": 1, "person": 2}
    assert outcomes(import_) == [
        ("company", 1, "kept", []),
        ("person", 1, "kept", ["title"]),
        ("person", 3, "kept", ["title"]),
    ]
    assert first_names() == ["Ada", "Ann", "Zoe"]
    assert ask("SELECT last_name FROM people_person WHERE id = %s", zoe) == "Lee"


def test_discarding_undoes_everything_but_the_dropped_column(import_: Import, zoe: int) -> None:
    drop("title")

    report = undo(organization_id=import_.organization_id, import_id=import_.pk, on_conflict="discard")

    assert report.removed == {"company": 1, "person": 2}
    assert report.kept == {"company": 0, "person": 1}
    assert outcomes(import_) == [("person", 3, "kept", ["title"])]
    assert first_names() == ["Ada", "Zoe"]
    assert ask("SELECT last_name FROM people_person WHERE id = %s", zoe) == "Lee"


def test_a_dropped_column_with_a_shared_value_is_a_conflict_of_each_record(
    acme: NewOrganization, import_: Import
) -> None:
    drop("created_at")

    report = undo(organization_id=import_.organization_id, import_id=import_.pk)

    assert [(conflict.row, conflict.reason, conflict.fields) for conflict in report.conflicts] == [
        (1, "column_gone", ("created_at",)),
        (2, "column_gone", ("created_at",)),
    ]


def test_a_dropped_foreign_key_is_no_reference(import_: Import) -> None:
    drop_key(COMPANY)
    drop("company_id")

    assert undo(organization_id=import_.organization_id, import_id=import_.pk, on_conflict="discard").removed == {
        "company": 1,
        "person": 2,
    }
    assert not Company.objects.filter(name="Reds").exists()


@pytest.mark.parametrize("row", [1, 3])
def test_a_column_that_the_table_never_had_counts_as_dropped(import_: Import, zoe: int, row: int) -> None:
    remember("fax 100%", before="2", row=row)

    (conflict,) = undo(organization_id=import_.organization_id, import_id=import_.pk).conflicts

    assert (conflict.row, conflict.reason, conflict.fields) == (row, Reason.COLUMN_GONE, ("fax 100%",))
    assert conflict.then == {"fax 100%": "1"}


def test_a_column_unknown_to_the_model_is_compared_and_restored(import_: Import, zoe: int) -> None:
    # A name that has to be quoted for SQL and for its parameters.
    execute("""ALTER TABLE people_person ADD COLUMN "fax 100%%" varchar(10)""")
    remember("fax 100%", row=1)
    remember("fax 100%", before="2", row=3)
    execute("""UPDATE people_person SET "fax 100%%" = '1' WHERE first_name IN ('Ann', 'Zoe')""")

    edited = """UPDATE people_person SET "fax 100%%" = '7' WHERE first_name IN ('Ann', 'Zoe')"""
    back = """UPDATE people_person SET "fax 100%%" = '1' WHERE first_name IN ('Ann', 'Zoe')"""
    execute(edited)
    report = undo(organization_id=import_.organization_id, import_id=import_.pk)
    assert [(conflict.row, conflict.then, conflict.now) for conflict in report.conflicts] == [
        (1, {"fax 100%": "1"}, {"fax 100%": "7"}),
        (3, {"fax 100%": "1"}, {"fax 100%": "7"}),
    ]

    execute(back)
    assert undo(organization_id=import_.organization_id, import_id=import_.pk).restored == {"company": 0, "person": 1}
    assert ask("""SELECT "fax 100%%" FROM people_person WHERE id = %s""", zoe) == "2"


@pytest.mark.parametrize("on_conflict", ["refuse", "keep", "discard"])
def test_a_dropped_column_without_values_is_no_conflict(
    acme: NewOrganization, import_: Import, zoe: int, on_conflict: OnConflict
) -> None:
    drop("color_id")
    drop("avatar_url")

    assert undo(organization_id=import_.organization_id, import_id=import_.pk, on_conflict=on_conflict).removed == {
        "company": 1,
        "person": 2,
    }


def test_generated_columns_are_ignored(acme: NewOrganization, import_: Import, zoe: int) -> None:
    execute("ALTER TABLE people_person ADD COLUMN shout text GENERATED ALWAYS AS (upper(first_name)) STORED")

    assert undo(organization_id=import_.organization_id, import_id=import_.pk).restored == {"company": 0, "person": 1}


def test_a_column_renamed_since_counts_as_dropped(acme: NewOrganization) -> None:
    import_ = make_import(creator=acme.person)
    zoe = make_person(organization=acme.organization, first_name="Zoe", title="Ms")
    update_by_import(import_, zoe, title="Prof")
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    execute("ALTER TABLE people_person RENAME COLUMN title TO job")

    (conflict,) = undo(organization_id=import_.organization_id, import_id=import_.pk).conflicts

    assert (conflict.reason, conflict.fields) == (Reason.COLUMN_GONE, ("title",))
