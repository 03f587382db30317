"""The data on the page of an import, page by page: its staged rows and its changes."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import F, Min, Model, QuerySet, Sum

from importsvc.changelog.models import Change
from importsvc.imports.models import Import, ImportState, StagedChunk
from importsvc.imports.services import find_record_model
from importsvc.text.display import describe_value, printable

TABLE_ROWS = 200
TABLE_COLUMNS = 50
CHANGES_PAGE_SIZE = 50

# In place of the headers of a row that is no object.
NO_HEADER = "(no object)"


@dataclass(frozen=True)
class Table:
    """A page of the staged rows of one type: the headers as submitted, and of each row its number and its cells."""

    name: str
    columns: list[str]
    rows: list[tuple[int, list[str]]]
    page: Page[Any]


@dataclass(frozen=True)
class ShownChange:
    """A change with its record, its values as truncated text, and its outcome, ``None`` before the revert.

    ``record`` is ``None`` if it no longer exists or its type is not registered.
    """

    change: Change
    record: Model | None
    before: dict[str, str]
    after: dict[str, str]
    outcome: str | None


def read_staged_data(import_: Import, page_number: Any = None) -> list[Table]:
    """A page of the staged rows of each type. Only the chunks of the page are read."""
    chunks = StagedChunk.objects.filter(organization_id=import_.organization_id, import_record_id=import_.pk)
    types = chunks.values("record_type").annotate(first=Min("number"), rows=Sum("row_count")).order_by("first")
    return [_make_table(chunks.filter(record_type=of["record_type"]), of, page_number) for of in types]


def count_changes(import_: Import) -> dict[str, int]:
    """The number of records of each type that an import wrote, without types of which it wrote none."""
    counts = {name: of_type["created"] + of_type["updated"] for name, of_type in sorted((import_.counts or {}).items())}
    return {name: count for name, count in counts.items() if count}


def read_changes(import_: Import, page_number: Any, *, count: int) -> tuple[Page[Change], list[ShownChange]]:
    """A page of an import's changes, type by type in row order; the nearest page if there is no such page.

    ``count`` is the number of all changes.
    """
    # Ids are in row order, and the change log has an index that starts with them.
    changes = Change.objects.of_import(organization_id=import_.organization_id, import_id=import_.pk)
    changes = changes.order_by("record_type", "record_id", "id")
    paginator = Paginator(changes, CHANGES_PAGE_SIZE)
    paginator.count = count
    page = paginator.get_page(page_number)
    records = _find_records(page.object_list, organization_id=import_.organization_id)
    shown = [
        ShownChange(
            change,
            records.get((change.record_type, change.record_id)),
            before=_describe_values(change.before),
            after=_describe_values(change.after),
            outcome=change.find_outcome(is_reverted=import_.state == ImportState.REVERTED),
        )
        for change in page.object_list
    ]
    return page, shown


def _make_table(chunks: QuerySet[StagedChunk], of_type: Mapping[str, Any], page_number: Any) -> Table:
    paginator = Paginator(range(of_type["rows"]), TABLE_ROWS)
    page = paginator.get_page(page_number)
    first, last = page.start_index(), page.end_index()
    rows: list[Any] = []
    for chunk in chunks.filter(first_row__lte=last, first_row__gt=first - F("row_count")).order_by("number"):
        numbered = enumerate(json.loads(chunk.rows, parse_int=_Number, parse_float=_Number), start=chunk.first_row)
        rows += [
            (number, row if isinstance(row, dict) else {NO_HEADER: row})
            for number, row in numbered
            if first <= number <= last and number not in chunk.deleted_rows
        ]
    columns = list(dict.fromkeys(header for _, row in rows for header in row))[:TABLE_COLUMNS]
    cells = [[_write_cell(row[header]) if header in row else "" for header in columns] for _, row in rows]
    headers = [printable(header) for header in columns]
    return Table(
        of_type["record_type"], headers, [(number, row) for (number, _), row in zip(rows, cells, strict=True)], page
    )


class _Number(str):
    """A number with its digits as submitted."""

    __slots__ = ()


def _write_cell(value: object) -> str:
    return printable(value if isinstance(value, str) else _write_json(value))


def _write_json(value: object) -> str:
    """A value as JSON, with the digits of numbers as submitted."""
    if isinstance(value, _Number):
        return value
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_write_json(name)}: {_write_json(each)}' for name, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_write_json, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _find_records(changes: Iterable[Change], *, organization_id: int) -> dict[tuple[str, int], Model]:
    """The records that are still there, one query for each type."""
    ids: dict[str, list[int]] = defaultdict(list)
    for change in changes:
        ids[change.record_type].append(change.record_id)
    records: dict[tuple[str, int], Model] = {}
    for record_type, ids_of_type in ids.items():
        if model := find_record_model(record_type):
            found = model._default_manager.filter(organization=organization_id).in_bulk(ids_of_type)
            records.update({(record_type, record_id): record for record_id, record in found.items()})
    return records


def _describe_values(values: dict[str, Any] | None) -> dict[str, str]:
    return {name: printable(describe_value(value)) for name, value in (values or {}).items()}
