"""A journal entry belongs to an import that exists and goes on existing, as a foreign key would have it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError

from importsvc.imports.models import Change, Import
from importsvc.postgres.copy import copy_rows
from people.services import NewOrganization
from tests.builders import make_import
from tests.interleaving import PATIENCE_SECONDS, Gate, Steps, hold, threads
from tests.snapshots import take_snapshot

COLUMNS = ("import_id", "record_type", "record_id", "row", "action")
Insert = Callable[[list[int]], None]


def entry(import_id: int, row: int = 1) -> dict[str, Any]:
    return {"import_record_id": import_id, "record_type": "deal", "record_id": row, "row": row, "action": "created"}


def one_by_one(import_ids: list[int]) -> None:
    for row, import_id in enumerate(import_ids, start=1):
        Change.objects.create(**entry(import_id, row))


def many_at_once(import_ids: list[int]) -> None:
    Change.objects.bulk_create([Change(**entry(import_id, row)) for row, import_id in enumerate(import_ids, start=1)])


def by_copy(import_ids: list[int]) -> None:
    lines = (f"{import_id}\tdeal\t{row}\t{row}\tcreated\n" for row, import_id in enumerate(import_ids, start=1))
    copy_rows("imports_change", COLUMNS, lines)


INSERTS: list[Insert] = [one_by_one, many_at_once, by_copy]


def execute(sql: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def assert_refused(work: Callable[[], Any], message: str) -> None:
    """It violates the key that the journal has, by name, and changes nothing."""
    before = take_snapshot()
    with pytest.raises(IntegrityError, match=message) as caught, transaction.atomic():
        work()
    cause: Any = caught.value.__cause__
    assert (cause.pgcode, cause.diag.constraint_name, cause.diag.table_name) == (
        "23503",
        "change_of_import",
        "imports_change",
    )
    assert take_snapshot() == before


def still_referred(import_: Import) -> str:
    return rf"imports_change still refers to what is in imports_import\nDETAIL:  Key \(import_id\): {import_.pk}\n"


@pytest.fixture
def import_(acme: NewOrganization) -> Import:
    return make_import(creator=acme.person)


@pytest.fixture
def journaled(import_: Import) -> Import:
    one_by_one([import_.pk])
    return import_


@pytest.mark.parametrize("insert", INSERTS)
def test_entries_of_imports_that_exist_are_taken(acme: NewOrganization, import_: Import, insert: Insert) -> None:
    other = make_import(creator=acme.person)

    insert([import_.pk, other.pk, import_.pk])

    assert list(Change.objects.order_by("id").values_list("import_record", flat=True)) == [
        import_.pk,
        other.pk,
        import_.pk,
    ]


@pytest.mark.parametrize("insert", INSERTS)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_entry_of_an_import_that_does_not_exist_is_refused_among_good_ones_too(
    import_: Import, insert: Insert, place: int
) -> None:
    missing = import_.pk + 1_000
    import_ids = [import_.pk] * 2
    import_ids.insert(place, missing)
    refused = f"refers to what is not in imports_import\\nDETAIL:  Key \\(import_id\\): {missing}\\n"

    assert_refused(lambda: insert(import_ids), refused)
    assert_refused(lambda: insert([missing]), refused)


def test_nothing_inserted_is_nothing_refused(db: None) -> None:
    execute("INSERT INTO imports_change SELECT * FROM imports_change")

    assert Change.objects.count() == 0


def test_an_import_with_entries_is_not_removed(journaled: Import) -> None:
    assert_refused(
        lambda: execute("DELETE FROM imports_import WHERE id = %s", journaled.pk),
        still_referred(journaled),
    )
    with pytest.raises(ProtectedError):
        journaled.delete()


def test_an_import_without_entries_is_removed_and_one_with_others_is_not_in_the_way(
    acme: NewOrganization, journaled: Import
) -> None:
    other = make_import(creator=acme.person)

    execute("DELETE FROM imports_import WHERE id = %s", other.pk)

    assert list(Import.objects.all()) == [journaled]
    Change.objects.all().delete()
    execute("DELETE FROM imports_import WHERE id = %s", journaled.pk)
    assert not Import.objects.exists()


def test_an_import_with_entries_keeps_its_id(journaled: Import) -> None:
    assert_refused(lambda: execute("UPDATE imports_import SET id = id + 1000"), still_referred(journaled))
    execute("UPDATE imports_import SET id = id, sample = true")
    Change.objects.all().delete()
    execute("UPDATE imports_import SET id = id + 1000")
    assert Import.objects.get().pk == journaled.pk + 1000


def test_all_imports_are_not_removed_at_once_while_one_has_entries(journaled: Import) -> None:
    execute("SET CONSTRAINTS ALL IMMEDIATE")

    assert_refused(lambda: execute("TRUNCATE imports_import"), still_referred(journaled))

    execute("TRUNCATE imports_change")
    execute("TRUNCATE imports_import")
    assert not Import.objects.exists()


def test_imports_and_entries_go_together(journaled: Import) -> None:
    execute("SET CONSTRAINTS ALL IMMEDIATE")

    execute("TRUNCATE imports_import, imports_change")

    assert (Import.objects.count(), Change.objects.count()) == (0, 0)


# --- two at a time ---------------------------------------------------------------------------------------------------


def remove(import_id: int) -> None:
    execute("DELETE FROM imports_import WHERE id = %s", import_id)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("insert", INSERTS)
def test_an_import_is_not_removed_while_its_entries_are_being_written(
    import_: Import, monkeypatch: pytest.MonkeyPatch, insert: Insert
) -> None:
    gate = Gate(monkeypatch, Steps, "stop")

    with threads() as others:
        first = others.start(hold(lambda: insert([import_.pk])))
        gate.wait()
        second = others.start_blocked(lambda: remove(import_.pk))
        gate.open()

    assert first.result(PATIENCE_SECONDS) is None
    assert isinstance(second.result(), IntegrityError)
    assert re.search(still_referred(import_), str(second.result()))
    assert (Import.objects.count(), Change.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("insert", INSERTS)
def test_entries_are_not_written_while_their_import_is_being_removed(
    import_: Import, monkeypatch: pytest.MonkeyPatch, insert: Insert
) -> None:
    gate = Gate(monkeypatch, Steps, "stop")

    with threads() as others:
        first = others.start(hold(lambda: remove(import_.pk)))
        gate.wait()
        second = others.start_blocked(lambda: insert([import_.pk]))
        gate.open()

    assert first.result(PATIENCE_SECONDS) is None
    assert isinstance(second.result(), IntegrityError)
    assert "imports_change refers to what is not in imports_import" in str(second.result())
    assert (Import.objects.count(), Change.objects.count()) == (0, 0)
