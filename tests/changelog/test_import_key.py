"""A change belongs to an import of its organization that goes on existing, as a foreign key would have it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError

from importsvc.changelog.models import Change
from importsvc.imports.models import Import
from importsvc.postgres.copy import copy_rows
from people.services import NewOrganization
from tests.builders import make_import
from tests.interleaving import PATIENCE_SECONDS, Gate, Steps, hold, threads
from tests.snapshots import take_snapshot

COLUMNS = ("organization_id", "import_id", "record_type", "record_id", "row", "action")
Insert = Callable[[int, list[int]], None]


def make_changes(organization_id: int, import_ids: list[int]) -> list[Change]:
    return [
        Change(
            organization_id=organization_id,
            import_record_id=import_id,
            record_type="deal",
            record_id=row,
            row=row,
            action="created",
        )
        for row, import_id in enumerate(import_ids, start=1)
    ]


def one_by_one(organization_id: int, import_ids: list[int]) -> None:
    for change in make_changes(organization_id, import_ids):
        change.save(force_insert=True)


def many_at_once(organization_id: int, import_ids: list[int]) -> None:
    Change.objects.bulk_create(make_changes(organization_id, import_ids))


def by_copy(organization_id: int, import_ids: list[int]) -> None:
    rows = enumerate(import_ids, start=1)
    lines = (f"{organization_id}\t{import_id}\tdeal\t{row}\t{row}\tcreated\n" for row, import_id in rows)
    copy_rows("changelog_change", COLUMNS, lines)


INSERTS: list[Insert] = [one_by_one, many_at_once, by_copy]


def execute(sql: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def assert_refused(work: Callable[[], Any], message: str) -> None:
    """It violates the key that the change log has, by name, and changes nothing."""
    before = take_snapshot()
    with pytest.raises(IntegrityError, match=message) as caught, transaction.atomic():
        work()
    cause: Any = caught.value.__cause__
    assert (cause.pgcode, cause.diag.constraint_name, cause.diag.table_name) == (
        "23503",
        "change_of_import",
        "changelog_change",
    )
    assert take_snapshot() == before


def still_referred(import_: Import) -> str:
    key = rf"Key \(organization_id, import_id\): {import_.organization_id}, {import_.pk}\n"
    return f"changelog_change still refers to what is in imports_import\nDETAIL:  {key}"


def refers_to_nothing(organization_id: int, import_id: int) -> str:
    key = rf"Key \(organization_id, import_id\): {organization_id}, {import_id}\n"
    return f"changelog_change refers to what is not in imports_import\nDETAIL:  {key}"


@pytest.fixture
def import_(acme: NewOrganization) -> Import:
    return make_import(creator=acme.person)


@pytest.fixture
def logged(import_: Import) -> Import:
    one_by_one(import_.organization_id, [import_.pk])
    return import_


@pytest.mark.parametrize("insert", INSERTS)
def test_changes_of_imports_that_exist_are_taken(acme: NewOrganization, import_: Import, insert: Insert) -> None:
    other = make_import(creator=acme.person)

    insert(acme.organization.pk, [import_.pk, other.pk, import_.pk])

    assert list(Change.objects.order_by("id").values_list("import_record", flat=True)) == [
        import_.pk,
        other.pk,
        import_.pk,
    ]


@pytest.mark.parametrize("insert", INSERTS)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_change_of_an_import_that_does_not_exist_is_refused_among_good_ones_too(
    import_: Import, insert: Insert, place: int
) -> None:
    missing = import_.pk + 1_000
    import_ids = [import_.pk] * 2
    import_ids.insert(place, missing)
    organization_id = import_.organization_id
    refused = refers_to_nothing(organization_id, missing)

    assert_refused(lambda: insert(organization_id, import_ids), refused)
    assert_refused(lambda: insert(organization_id, [missing]), refused)


@pytest.mark.parametrize("insert", INSERTS)
def test_a_change_of_another_organization_s_import_is_refused(
    globex: NewOrganization, import_: Import, insert: Insert
) -> None:
    theirs = globex.organization.pk

    assert_refused(lambda: insert(theirs, [import_.pk]), refers_to_nothing(theirs, import_.pk))


def test_nothing_inserted_is_nothing_refused(db: None) -> None:
    execute("INSERT INTO changelog_change SELECT * FROM changelog_change")

    assert Change.objects.count() == 0


def test_a_change_stays_with_its_import(acme: NewOrganization, globex: NewOrganization, logged: Import) -> None:
    other = make_import(creator=acme.person)

    for import_id in (other.pk, logged.pk + 1_000):
        assert_refused(
            lambda import_id=import_id: Change.objects.update(import_record=import_id),  # type: ignore[misc]
            "A change stays with its import",
        )
    assert_refused(lambda: Change.objects.update(organization=globex.organization.pk), "A change stays with its import")
    assert Change.objects.update(import_record=logged.pk, row=7) == 1


def test_an_import_with_changes_is_not_removed(logged: Import) -> None:
    assert_refused(
        lambda: execute("DELETE FROM imports_import WHERE id = %s", logged.pk),
        still_referred(logged),
    )
    with pytest.raises(ProtectedError):
        logged.delete()


def test_an_import_without_changes_is_removed_and_one_with_others_is_not_in_the_way(
    acme: NewOrganization, logged: Import
) -> None:
    other = make_import(creator=acme.person)

    execute("DELETE FROM imports_import WHERE id = %s", other.pk)

    assert list(Import.objects.all()) == [logged]
    Change.objects.all().delete()
    execute("DELETE FROM imports_import WHERE id = %s", logged.pk)
    assert not Import.objects.exists()


def test_an_import_with_changes_keeps_its_id(logged: Import) -> None:
    assert_refused(lambda: execute("UPDATE imports_import SET id = id + 1000"), still_referred(logged))
    execute("UPDATE imports_import SET id = id, sample = true")
    Change.objects.all().delete()
    execute("UPDATE imports_import SET id = id + 1000")
    assert Import.objects.get().pk == logged.pk + 1000


def test_all_imports_are_not_removed_at_once_while_one_has_changes(logged: Import) -> None:
    execute("SET CONSTRAINTS ALL IMMEDIATE")

    assert_refused(lambda: execute("TRUNCATE imports_import"), still_referred(logged))

    execute("TRUNCATE changelog_change")
    execute("TRUNCATE imports_import")
    assert not Import.objects.exists()


def test_imports_and_changes_go_together(logged: Import) -> None:
    execute("SET CONSTRAINTS ALL IMMEDIATE")

    execute("TRUNCATE imports_import, changelog_change")

    assert (Import.objects.count(), Change.objects.count()) == (0, 0)


# --- two at a time ---------------------------------------------------------------------------------------------------


def remove(import_id: int) -> None:
    execute("DELETE FROM imports_import WHERE id = %s", import_id)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("insert", INSERTS)
def test_an_import_is_not_removed_while_its_changes_are_being_written(
    import_: Import, monkeypatch: pytest.MonkeyPatch, insert: Insert
) -> None:
    gate = Gate(monkeypatch, Steps, "stop")

    with threads() as others:
        first = others.start(hold(lambda: insert(import_.organization_id, [import_.pk])))
        gate.wait()
        second = others.start_blocked(lambda: remove(import_.pk))
        gate.open()

    assert first.result(PATIENCE_SECONDS) is None
    assert isinstance(second.result(), IntegrityError)
    assert re.search(still_referred(import_), str(second.result()))
    assert (Import.objects.count(), Change.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("insert", INSERTS)
def test_changes_are_not_written_while_their_import_is_being_removed(
    import_: Import, monkeypatch: pytest.MonkeyPatch, insert: Insert
) -> None:
    gate = Gate(monkeypatch, Steps, "stop")

    with threads() as others:
        first = others.start(hold(lambda: remove(import_.pk)))
        gate.wait()
        second = others.start_blocked(lambda: insert(import_.organization_id, [import_.pk]))
        gate.open()

    assert first.result(PATIENCE_SECONDS) is None
    assert isinstance(second.result(), IntegrityError)
    assert "changelog_change refers to what is not in imports_import" in str(second.result())
    assert (Import.objects.count(), Change.objects.count()) == (0, 0)
