"""Undoing in spite of conflicts: which records are kept or discarded, and which are kept along with them."""

from __future__ import annotations

from typing import Any

import pytest

from companies.models import Company
from importsvc.engine.revert.revert import OnConflict, UndoReport, undo
from importsvc.imports.models import Import
from people.models import ApiToken, Person
from people.services import NewOrganization, create_token
from tests.builders import make_company, make_import, make_person
from tests.engine.revert.undoing import execute
from tests.engine.updates import IMPORT_TABLES, undo_and_take_back, update_by_import
from tests.imports.steps import import_rows
from tests.interleaving import ask
from tests.snapshots import take_snapshot

BOTH: tuple[OnConflict, ...] = ("keep", "discard")


def person(name: str) -> Person:
    return Person.objects.get(first_name=name)


def company(name: str) -> Company:
    return Company.objects.get(name=name)


def names() -> list[str]:
    """The names of all companies and people but those of a new organization."""
    companies = Company.objects.exclude(name="Acme").values_list("name", flat=True)
    return sorted([*companies, *Person.objects.exclude(first_name="Ada").values_list("first_name", flat=True)])


def outcomes(import_: Import) -> list[Any]:
    """The outcomes in the change log that differ from a plain removal or restoration."""
    changes = import_.changes.exclude(outcome=None).order_by("record_type", "row", "id")
    return list(changes.values_list("record_type", "row", "outcome", "kept_fields"))


def undo_twice(import_: Import, on_conflict: OnConflict) -> UndoReport:
    """Undo, roll back and undo again; returns the report, which is the same both times."""
    expected = undo_and_take_back(import_, on_conflict)
    assert undo(organization_id=import_.organization_id, import_id=import_.pk, on_conflict=on_conflict) == expected
    assert not expected.conflicts
    return expected


TWO = {"company": [{"name": "Reds"}, {"name": "Blues"}], "person": [{"first_name": "Ann"}, {"first_name": "Bob"}]}


@pytest.mark.parametrize("on_conflict", BOTH)
def test_without_conflicts_everything_is_undone(acme: NewOrganization, on_conflict: OnConflict) -> None:
    zoe = make_person(organization=acme.organization, first_name="Zoe", title="Dr")
    before = take_snapshot(without=IMPORT_TABLES)
    import_ = import_rows(acme, TWO)
    update_by_import(import_, zoe, row=3, title="Prof", company_id=company("Reds").pk)

    report = undo_twice(import_, on_conflict)

    assert report.removed == {"company": 2, "person": 2}
    assert report.restored == {"company": 0, "person": 1}
    assert report.kept == report.gone == {"company": 0, "person": 0}
    assert outcomes(import_) == []
    assert take_snapshot(without=IMPORT_TABLES) == before


def test_edited_records_are_kept_or_removed(acme: NewOrganization) -> None:
    for on_conflict in BOTH:
        import_ = import_rows(acme, TWO)
        Person.objects.filter(first_name="Ann").update(title="Dr", last_name="Lee")

        report = undo_twice(import_, on_conflict)

        if on_conflict == "keep":
            assert (report.removed, report.kept) == ({"company": 2, "person": 1}, {"company": 0, "person": 1})
            assert outcomes(import_) == [("person", 1, "kept", ["last_name", "title"])]
            assert names() == ["Ann"]
            person("Ann").delete()
        else:
            assert (report.removed, report.kept) == ({"company": 2, "person": 2}, {"company": 0, "person": 0})
            assert outcomes(import_) == []
            assert names() == []


@pytest.mark.parametrize("on_conflict", BOTH)
def test_edited_fields_are_kept_or_restored_and_unedited_fields_are_restored(
    acme: NewOrganization, on_conflict: OnConflict
) -> None:
    zoe = make_person(organization=acme.organization, first_name="Zoe", title="Dr", last_name="Lee", tag_list=["a"])
    import_ = make_import(creator=acme.person)
    update_by_import(import_, zoe, title="Prof", last_name="Ray", tag_list=["b"])
    Person.objects.filter(pk=zoe.pk).update(title="Sir", tag_list=["c"], role_id=7)

    report = undo_twice(import_, on_conflict)

    zoe.refresh_from_db()
    assert (zoe.last_name, zoe.role_id) == ("Lee", 7)
    if on_conflict == "keep":
        assert (zoe.title, zoe.tag_list) == ("Sir", ["c"])
        assert (report.restored, report.kept) == ({"person": 0}, {"person": 1})
        assert outcomes(import_) == [("person", 1, "kept", ["tag_list", "title"])]
    else:
        assert (zoe.title, zoe.tag_list) == ("Dr", ["a"])
        assert (report.restored, report.kept) == ({"person": 1}, {"person": 0})
        assert outcomes(import_) == []


@pytest.mark.parametrize("on_conflict", BOTH)
def test_a_record_that_another_record_refers_to_is_kept(acme: NewOrganization, on_conflict: OnConflict) -> None:
    import_ = import_rows(acme, TWO)
    make_person(organization=acme.organization, first_name="Zoe", company=company("Reds"))
    make_import(creator=person("Bob"))
    Person.objects.filter(first_name="Bob").update(title="Dr")

    report = undo_twice(import_, on_conflict)

    assert (report.removed, report.kept) == ({"company": 1, "person": 1}, {"company": 1, "person": 1})
    assert names() == ["Bob", "Reds", "Zoe"]
    assert person("Bob").title == "Dr"
    kept_fields = ["title"] if on_conflict == "keep" else []
    assert outcomes(import_) == [("company", 1, "kept", []), ("person", 2, "kept", kept_fields)]


def test_a_record_that_a_kept_record_refers_to_is_kept_although_it_was_not_edited(acme: NewOrganization) -> None:
    import_ = import_rows(
        acme,
        {
            "company": [{"name": "Reds"}, {"name": "Blues"}],
            "person": [{"first_name": "Ann", "company": "Reds"}, {"first_name": "Bob", "company": "Blues"}],
        },
    )
    Person.objects.filter(first_name="Ann").update(title="Dr")

    report = undo_twice(import_, "keep")

    assert (report.removed, report.kept) == ({"company": 1, "person": 1}, {"company": 1, "person": 1})
    assert names() == ["Ann", "Reds"]
    assert outcomes(import_) == [("company", 1, "kept", []), ("person", 1, "kept", ["title"])]


def test_discarding_keeps_referenced_records_and_the_records_they_refer_to(acme: NewOrganization) -> None:
    import_ = import_rows(acme, {"company": [{"name": "Reds"}], "person": [{"first_name": "Ann", "company": "Reds"}]})
    create_token(person=person("Ann"))

    report = undo_twice(import_, "discard")

    assert (report.removed, report.kept) == ({"company": 0, "person": 0}, {"company": 1, "person": 1})
    assert ApiToken.objects.filter(person__first_name="Ann", person__company__name="Reds").exists()


def test_a_created_company_is_removed_if_the_person_moved_to_it_is_restored(acme: NewOrganization) -> None:
    zoe = make_person(organization=acme.organization, first_name="Zoe")
    import_ = import_rows(acme, TWO)
    update_by_import(import_, zoe, row=3, company_id=company("Reds").pk)
    Person.objects.filter(pk=zoe.pk).update(company=company("Blues"))

    report = undo(organization_id=import_.organization_id, import_id=import_.pk)
    assert [(conflict.reason, conflict.row) for conflict in report.conflicts] == [("referenced", 2), ("changed", 3)]

    with_keeping = undo_and_take_back(import_, "keep")
    assert with_keeping.removed == {"company": 1, "person": 2}
    assert with_keeping.kept == {"company": 1, "person": 1}

    discarding = undo_twice(import_, "discard")
    assert discarding.removed == {"company": 2, "person": 2}
    assert discarding.restored == {"company": 0, "person": 1}
    zoe.refresh_from_db()
    assert zoe.company is None


def test_a_kept_reference_keeps_its_company(acme: NewOrganization) -> None:
    zoe = make_person(organization=acme.organization, first_name="Zoe", company=None, title="Dr")
    import_ = import_rows(acme, TWO)
    update_by_import(import_, zoe, row=3, company_id=None, title="Prof")
    Person.objects.filter(pk=zoe.pk).update(company=company("Blues"))

    report = undo_twice(import_, "keep")

    zoe.refresh_from_db()
    assert (zoe.title, zoe.company) == ("Dr", company("Blues"))
    assert report.kept == {"company": 1, "person": 1}
    assert outcomes(import_) == [("company", 2, "kept", []), ("person", 3, "kept", ["company_id"])]


@pytest.mark.parametrize("on_conflict", BOTH)
def test_a_reference_in_a_column_that_the_import_did_not_change_keeps_its_record(
    acme: NewOrganization, on_conflict: OnConflict
) -> None:
    zoe = make_person(organization=acme.organization, first_name="Zoe", title="Dr")
    import_ = import_rows(acme, TWO)
    update_by_import(import_, zoe, row=3, title="Prof")
    Person.objects.filter(pk=zoe.pk).update(company=company("Reds"))

    report = undo_twice(import_, on_conflict)

    assert report.restored == {"company": 0, "person": 1}
    assert report.kept == {"company": 1, "person": 0}
    assert names() == ["Reds", "Zoe"]


@pytest.mark.parametrize("on_conflict", BOTH)
def test_a_reference_to_a_deleted_company_is_not_restored(acme: NewOrganization, on_conflict: OnConflict) -> None:
    old = make_company(organization=acme.organization, name="Old")
    zoe = make_person(organization=acme.organization, first_name="Zoe", company=old, title="Dr")
    import_ = import_rows(acme, TWO)
    update_by_import(import_, zoe, row=3, company_id=company("Reds").pk, title="Prof")
    old.delete()

    report = undo_twice(import_, on_conflict)

    zoe.refresh_from_db()
    assert (zoe.title, zoe.company) == ("Dr", company("Reds"))
    assert (report.removed, report.kept) == ({"company": 1, "person": 2}, {"company": 1, "person": 1})
    assert outcomes(import_) == [("company", 1, "kept", []), ("person", 3, "kept", ["company_id"])]


@pytest.mark.parametrize("on_conflict", BOTH)
@pytest.mark.parametrize("on_delete", ["", "DEFERRABLE INITIALLY DEFERRED", "ON DELETE CASCADE", "ON DELETE SET NULL"])
@pytest.mark.one_server("a table that is not distributed cannot refer to one that is")
def test_a_record_that_a_table_unknown_to_django_refers_to_is_kept(
    acme: NewOrganization, on_conflict: OnConflict, on_delete: str
) -> None:
    import_ = import_rows(acme, {**TWO, "person": [{"first_name": "Ann", "company": "Reds"}, {"first_name": "Bob"}]})
    execute(f"CREATE TABLE notes (person bigint REFERENCES people_person {on_delete})")
    execute("INSERT INTO notes VALUES (%s), (%s)", person("Ann").pk, acme.person.pk)

    report = undo_twice(import_, on_conflict)

    assert report.kept == {"company": 1, "person": 1}
    assert names() == ["Ann", "Reds"]
    assert ask("SELECT count(*) FROM notes WHERE person IS NOT NULL") == 2


@pytest.mark.parametrize("on_conflict", BOTH)
@pytest.mark.one_server("a table that is not distributed cannot refer to one that is")
def test_chains_of_references_within_a_table_are_kept_to_their_end(
    acme: NewOrganization, on_conflict: OnConflict
) -> None:
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    execute("ALTER TABLE companies_company ADD COLUMN parent bigint REFERENCES companies_company")
    import_ = import_rows(acme, {"company": [{"name": f"C{number}"} for number in range(5)]})
    # Each company belongs to the next one, the last to itself; C1 is referred to from outside.
    for number in range(5):
        parent = company(f"C{min(number + 1, 4)}").pk
        execute("UPDATE companies_company SET parent = %s WHERE name = %s", parent, f"C{number}")
    make_person(organization=acme.organization, first_name="Zoe", company=company("C1"))

    report = undo_twice(import_, on_conflict)

    assert (report.removed, report.kept) == ({"company": 1}, {"company": 4})
    assert names() == ["C1", "C2", "C3", "C4", "Zoe"]
    assert outcomes(import_) == [("company", row, "kept", []) for row in range(2, 6)]


@pytest.mark.parametrize("on_conflict", ["refuse", *BOTH])
@pytest.mark.one_server("a table that is not distributed cannot refer to one that is")
def test_records_that_refer_to_each_other_and_themselves_are_removed(
    acme: NewOrganization, on_conflict: OnConflict
) -> None:
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    execute("ALTER TABLE companies_company ADD COLUMN parent bigint REFERENCES companies_company")
    import_ = import_rows(acme, {"company": [{"name": f"C{number}"} for number in range(5)]})
    for number in range(5):
        parent = company(f"C{(number + 1) % 4}").pk
        execute("UPDATE companies_company SET parent = %s WHERE name = %s", parent, f"C{number}")

    assert undo(organization_id=import_.organization_id, import_id=import_.pk, on_conflict=on_conflict).removed == {
        "company": 5
    }
    assert names() == []
