"""A change has a foreign key to an import of its organization, which cannot be deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError

from importsvc.changelog.models import SingleChange
from importsvc.imports.models import Import
from importsvc.postgres.copy import copy_rows
from people.services import NewOrganization
from tests.builders import make_import
from tests.snapshots import take_snapshot

COLUMNS = ("organization_id", "import_id", "record_type", "record_id", "row", "action")


def insert(organization_id: int, import_ids: list[int]) -> None:
    SingleChange.objects.bulk_create(
        SingleChange(
            organization_id=organization_id,
            import_record_id=import_id,
            record_type="deal",
            record_id=row,
            row=row,
            action="created",
        )
        for row, import_id in enumerate(import_ids, start=1)
    )


def copy(organization_id: int, import_ids: list[int]) -> None:
    rows = enumerate(import_ids, start=1)
    lines = (f"{organization_id}\t{import_id}\tdeal\t{row}\t{row}\tcreated\n" for row, import_id in rows)
    copy_rows("changelog_change", COLUMNS, lines)


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def assert_refused(work: Callable[[], Any]) -> None:
    """The statement violates the foreign key of the change log, by name, and changes nothing."""
    before = take_snapshot()
    # The part of a distributed table has a number, as its keys do.
    key = r'on table "\w+" violates (RESTRICT setting of )?foreign key constraint "change_of_import(_\d+)?"'
    with pytest.raises(IntegrityError, match=key), transaction.atomic():
        work()
    assert take_snapshot() == before


@pytest.fixture
def import_(acme: NewOrganization) -> Import:
    return make_import(creator=acme.person)


@pytest.fixture
def logged(import_: Import) -> Import:
    insert(import_.organization_id, [import_.pk])
    return import_


@pytest.mark.parametrize("write", [insert, copy])
def test_a_change_of_an_import_that_does_not_exist_is_refused_even_among_valid_changes(
    import_: Import, write: Callable[[int, list[int]], None]
) -> None:
    missing = import_.pk + 1_000

    assert_refused(lambda: write(import_.organization_id, [import_.pk, missing, import_.pk]))


@pytest.mark.parametrize("write", [insert, copy])
def test_a_change_of_the_import_of_another_organization_is_refused(
    globex: NewOrganization, import_: Import, write: Callable[[int, list[int]], None]
) -> None:
    assert_refused(lambda: write(globex.organization.pk, [import_.pk]))


def test_a_change_is_not_moved_to_an_import_that_is_missing_or_of_another_organization(
    globex: NewOrganization, logged: Import
) -> None:
    theirs = make_import(creator=globex.person)

    for import_id in (logged.pk + 1_000, theirs.pk):
        assert_refused(lambda import_id=import_id: SingleChange.objects.update(import_record=import_id))  # type: ignore[misc]


@pytest.mark.one_server("a row cannot be moved to another organization")
def test_a_change_is_not_moved_to_another_organization(globex: NewOrganization, logged: Import) -> None:
    assert_refused(lambda: SingleChange.objects.update(organization=globex.organization.pk))


def test_an_import_with_changes_is_not_removed_and_keeps_its_id(logged: Import) -> None:
    assert_refused(lambda: execute("DELETE FROM imports_import"))
    assert_refused(lambda: execute("UPDATE imports_import SET id = id + 1000"))
    with pytest.raises(ProtectedError):
        logged.delete()


def test_an_import_without_changes_is_removed(acme: NewOrganization, logged: Import) -> None:
    make_import(creator=acme.person).delete()
    assert list(Import.objects.all()) == [logged]

    SingleChange.objects.all().delete()
    logged.delete()
    assert not Import.objects.exists()
