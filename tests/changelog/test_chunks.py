"""The changes of created records are stored in chunks and read like any others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test.utils import CaptureQueriesContext

from importsvc.changelog.models import BLOCK_SIZE, Change, CreatedChunk, SingleChange
from importsvc.changelog.selectors import find_end, select_created
from importsvc.engine.parse import chunks
from importsvc.imports.models import Import, StagedChunk
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_import
from tests.engine.updates import log_one_by_one
from tests.imports.steps import import_rows


@pytest.fixture
def import_(acme: NewOrganization, monkeypatch: pytest.MonkeyPatch) -> Import:
    """Chunks of six people, of one, and of a company."""
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 6)
    people = [{"first_name": f"P{number}", "title": "Dr" if number == 3 else None} for number in range(7)]
    return import_rows(acme, {"person": people, "company": [{"name": "Reds"}]})


def read(import_: Import) -> list[dict[str, Any]]:
    columns = [field.attname for field in SingleChange._meta.fields]
    return list(import_.changes.order_by("id").values(*columns))


def test_a_chunk_has_the_changes_of_its_rows(import_: Import) -> None:
    people = list(Person.objects.filter(first_name__startswith="P").order_by("id"))
    first, second = CreatedChunk.objects.filter(import_record=import_, record_type="person").order_by("block")

    assert (first.record_count, first.first_id, first.last_id) == (6, people[0].pk, people[5].pk)
    assert (first.record_ids, first.rows) == ([person.pk for person in people[:6]], [1, 2, 3, 4, 5, 6])
    assert first.columns == ["first_name", "title"]
    assert first.after[2:4] == [{"first_name": "P2"}, {"first_name": "P3", "title": "Dr"}]
    assert (second.record_count, second.rows, second.columns) == (1, [7], ["first_name"])
    assert list(SingleChange.objects.filter(import_record=import_)) == []


def test_the_view_has_each_change_with_an_id_of_its_own(import_: Import) -> None:
    changes = list(import_.changes.order_by("id"))

    assert [(change.record_type, change.row) for change in changes] == [
        ("company", 1),
        *(("person", row) for row in range(1, 8)),
    ]
    blocks = CreatedChunk.objects.filter(import_record=import_).order_by("block").values_list("block", flat=True)
    company, first, second = (block * BLOCK_SIZE for block in blocks)
    assert [change.pk for change in changes] == [company, *range(first, first + 6), second]
    assert {(change.action, change.outcome, change.kept_fields) for change in changes} == {("created", None, None)}


def test_unpacked_changes_are_the_same(import_: Import) -> None:
    before = read(import_)
    log_one_by_one(import_)

    assert read(import_) == before
    assert not CreatedChunk.objects.filter(import_record=import_).exists()
    assert SingleChange.objects.filter(import_record=import_).count() == 8


@pytest.mark.parametrize("is_unpacked", [False, True])
def test_changes_are_found_by_record_row_and_id(import_: Import, is_unpacked: bool) -> None:
    if is_unpacked:
        log_one_by_one(import_)
    changes = Change.objects.of_import(organization_id=import_.organization_id, import_id=import_.pk)
    people = list(changes.filter(record_type="person").order_by("id"))

    def rows(found: Any) -> list[int]:
        return sorted(found.filter(record_type="person").values_list("row", flat=True))

    some = [people[0], people[6]]
    assert rows(changes.of_records([change.record_id for change in some])) == [1, 7]
    assert rows(changes.with_ids([change.pk for change in some])) == [1, 7]
    assert rows(changes.of_rows([1, 7])) == [1, 7]
    assert rows(changes.of_rows([change.row for change in people] + list(range(100, 300)))) == [1, 2, 3, 4, 5, 6, 7]
    assert [rows(changes.of_records([])), rows(changes.with_ids([])), rows(changes.of_rows([]))] == [[], [], []]


@pytest.mark.one_server("each node plans its own part of a statement")
def test_only_the_chunks_of_the_records_are_unpacked(import_: Import) -> None:
    changes = Change.objects.of_import(organization_id=import_.organization_id, import_id=import_.pk)
    last = Person.objects.get(first_name="P6")
    found = changes.of_records([last.pk]).filter(record_type="person")
    with connection.cursor() as cursor:
        sql, parameters = found.query.sql_with_params()
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters)
        (plan,) = cursor.fetchone()

    unpacked = [node for node in nodes_of(plan[0]["Plan"]) if node["Node Type"] == "Function Scan"]
    assert [(node["Actual Loops"], node["Actual Rows"]) for node in unpacked] == [(1, 1)]


def nodes_of(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes_of(child))]


def test_the_records_that_imports_created_are_found_in_chunks_and_by_themselves(
    acme: NewOrganization, globex: NewOrganization, import_: Import
) -> None:
    other = import_rows(acme, {"person": [{"first_name": "Zoe"}]})
    log_one_by_one(other)
    ids = [import_.pk, other.pk]

    created = select_created("person", ids, organization_id=acme.organization.pk)
    names = Person.objects.filter(organization=acme.organization, pk__in=created).values_list("first_name", flat=True)
    assert sorted(names) == ["P0", "P1", "P2", "P3", "P4", "P5", "P6", "Zoe"]
    assert not list(select_created("person", ids, organization_id=globex.organization.pk))


@pytest.mark.parametrize("is_unpacked", [False, True])
def test_the_end_of_a_part_leaves_out_no_change(import_: Import, is_unpacked: bool) -> None:
    if is_unpacked:
        log_one_by_one(import_)
    ids = sorted(import_.changes.filter(record_type="person").values_list("record_id", flat=True))

    def end(after: int, size: int) -> int | None:
        key: dict[str, Any] = {"organization_id": import_.organization_id, "import_id": import_.pk}
        return find_end(**key, after=after, size=size, record_type="person", action="created")

    assert end(0, 6) == ids[5]
    assert end(0, 1) == (ids[0] if is_unpacked else ids[5])
    assert end(0, 8) is None
    assert end(ids[5], 2) is None
    assert end(ids[6], 1) is None


def test_a_chunk_of_an_import_that_is_missing_or_of_another_organization_is_refused(
    acme: NewOrganization, globex: NewOrganization, import_: Import
) -> None:
    chunk = CreatedChunk.objects.filter(import_record=import_).first()
    assert chunk
    foreign = make_import(creator=globex.person)

    def assert_refused(work: Callable[[], Any]) -> None:
        with (
            pytest.raises(IntegrityError, match=r'foreign key constraint "created_chunk_of_import(_\d+)?"'),
            transaction.atomic(),
        ):
            work()

    chunks_of = CreatedChunk.objects.filter(organization=acme.organization, import_record=import_)
    for import_id in (0, foreign.pk):
        assert_refused(lambda import_id=import_id: chunks_of.update(import_record=import_id))  # type: ignore[misc]
    StagedChunk.objects.filter(organization=acme.organization, import_record=import_).delete()
    assert_refused(lambda: Import.objects.filter(organization=acme.organization, pk=import_.pk)._raw_delete("default"))


def test_an_import_writes_one_row_for_a_chunk(acme: NewOrganization) -> None:
    import_ = import_rows(acme, {"person": [{"first_name": f"P{number}"} for number in range(1_000)]})
    with CaptureQueriesContext(connection) as queries:
        assert import_.changes.count() == 1_000
    assert len(queries) == 1
    assert CreatedChunk.objects.filter(import_record=import_).count() == 1


@pytest.mark.one_server("the first migrations of a distributed database cannot be undone")
@pytest.mark.django_db(transaction=True)
def test_undoing_the_migration_keeps_each_change(acme: NewOrganization) -> None:
    import_ = import_rows(acme, {"person": [{"first_name": "Ann"}, {"first_name": "Bob"}], "company": [{"name": "A"}]})
    before = read(import_)
    executor = MigrationExecutor(connection)
    latest = executor.loader.graph.leaf_nodes()
    try:
        executor.migrate([("changelog", "0001_change")])
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, record_type, record_id, row, action, after FROM changelog_change ORDER BY id")
            names = ("id", "record_type", "record_id", "row", "action", "after")
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    finally:
        MigrationExecutor(connection).migrate(latest)

    names_of = ("id", "record_type", "record_id", "row", "action")
    assert [{name: row[name] for name in names_of} for row in rows] == [
        {name: change[name] for name in names_of} for change in before
    ]
    assert read(import_) == before
