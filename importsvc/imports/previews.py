"""What an import's page shows of things that may be too large for any page."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Model
from django.db.models.functions import Left

from importsvc.engine import registry
from importsvc.engine.errors import PayloadError
from importsvc.engine.payload import read_payload
from importsvc.imports.models import Change, Import, ImportState
from importsvc.imports.staging import staged_size
from importsvc.text import printable

# Staged data up to this many characters is parsed and shown as tables; of more, the beginning is shown as text.
PARSED_LENGTH = 1_000_000
TEXT_LENGTH = 100_000
TABLE_ROWS = 200
TABLE_COLUMNS = 50
JOURNAL_PAGE_SIZE = 50


@dataclass(frozen=True)
class Table:
    """The beginning of the staged rows of one type.

    Attributes:
        name: of the type.
        columns: the headers of the rows, as they were given.
        rows: number and cells of each row; cells are cut.
        row_count: how many rows there are in all.
    """

    name: str
    columns: list[str]
    rows: list[tuple[int, list[str]]]
    row_count: int


@dataclass(frozen=True)
class StagedData:
    """The beginning of an import's staged data.

    Attributes:
        size: bytes in all.
        tables: a table for each type; empty if the data is too long or cannot be understood.
        text: the data as it is, if there are no tables.
        is_cut: whether ``text`` is only the beginning.
    """

    size: int
    tables: list[Table] = field(default_factory=list)
    text: str = ""
    is_cut: bool = False


@dataclass(frozen=True)
class JournalEntry:
    """A record that an import wrote.

    Attributes:
        change: what the journal says.
        record: the record, unless it is gone or its type is not registered any more.
        before, after: values by column, as text that is cut.
        outcome: what a revert made of it, if there was one.
    """

    change: Change
    record: Model | None
    before: dict[str, str]
    after: dict[str, str]
    outcome: str | None


def read_staged_data(import_id: int) -> StagedData:
    """The beginning of what is staged; the rest never leaves the database."""
    beginning, size = Import.objects.values_list(
        Left("import_data", PARSED_LENGTH + 1),
        staged_size(),
    ).get(pk=import_id)
    if len(beginning) <= PARSED_LENGTH:
        try:
            payload = read_payload(beginning, types=[importable.name for importable in registry.in_dependency_order()])
            return StagedData(size, tables=[_make_table(name, rows) for name, rows in payload.items()])
        except (PayloadError, _NoTable):
            pass
    return StagedData(size, text=beginning[:TEXT_LENGTH], is_cut=len(beginning) > TEXT_LENGTH)


def count_changes(import_ids: Collection[int]) -> dict[int, dict[str, int]]:
    """How many records of each type these imports wrote, by import and type; without those that wrote nothing."""
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    changes = Change.objects.filter(import_record__in=import_ids).values_list("import_record", "record_type")
    for import_id, record_type, count in changes.annotate(count=Count("*")).order_by("record_type"):
        counts[import_id][record_type] = count
    return counts


def read_journal(import_: Import, page_number: Any, *, count: int) -> tuple[Page[Change], list[JournalEntry]]:
    """A page of what the import wrote, type by type in row order; the nearest page if there is no such page.

    ``count`` is of all that it wrote: counting takes long, and the caller has done it already.
    """
    # Ids were given out in row order, and the journal has an index of them.
    changes = Change.objects.filter(import_record=import_).order_by("record_type", "record_id", "id")
    paginator = Paginator(changes, JOURNAL_PAGE_SIZE)
    paginator.count = count
    page = paginator.get_page(page_number)
    records = _find_records(page.object_list)
    entries = [
        JournalEntry(
            change,
            records.get((change.record_type, change.record_id)),
            before=_describe_values(change.before),
            after=_describe_values(change.after),
            outcome=change.find_outcome(is_reverted=import_.state == ImportState.REVERTED),
        )
        for change in page.object_list
    ]
    return page, entries


class _NoTable(Exception):
    """The rows do not make a table that anybody could read."""


def _make_table(name: str, rows: list[Any]) -> Table:
    shown = rows[:TABLE_ROWS]
    if not all(isinstance(row, dict) for row in shown):
        raise _NoTable
    columns = list(dict.fromkeys(header for row in shown for header in row))
    if len(columns) > TABLE_COLUMNS:
        raise _NoTable
    cells = [[_describe_value(row[header]) if header in row else "" for header in columns] for row in shown]
    return Table(name, [printable(header) for header in columns], list(enumerate(cells, start=1)), len(rows))


def _find_records(changes: Iterable[Change]) -> dict[tuple[str, int], Model]:
    """The records that are still there, one query for each type."""
    ids: dict[str, list[int]] = defaultdict(list)
    for change in changes:
        ids[change.record_type].append(change.record_id)
    records: dict[tuple[str, int], Model] = {}
    for importable in registry.in_dependency_order():
        if importable.name in ids:
            found = importable.model._default_manager.in_bulk(ids[importable.name])
            records.update({(importable.name, record_id): record for record_id, record in found.items()})
    return records


def _describe_values(values: dict[str, Any] | None) -> dict[str, str]:
    return {name: _describe_value(value) for name, value in (values or {}).items()}


def _describe_value(value: object) -> str:
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
