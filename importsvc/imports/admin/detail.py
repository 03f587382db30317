"""The staged rows on the page of an import, page by page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import F, Min, QuerySet, Sum

from importsvc.imports.models import Import, StagedChunk
from importsvc.text.display import printable

TABLE_ROWS = 200
TABLE_COLUMNS = 50

# In place of the headers of a row that is no object.
NO_HEADER = "(no object)"


@dataclass(frozen=True)
class Table:
    """A page of the staged rows of one type: the headers as submitted, and of each row its number and its cells."""

    name: str
    columns: list[str]
    rows: list[tuple[int, list[str]]]
    page: Page[Any]


def read_staged_data(import_: Import, page_number: Any = None) -> list[Table]:
    """A page of the staged rows of each type. Only the chunks of the page are read."""
    chunks = StagedChunk.objects.filter(organization_id=import_.organization_id, import_record_id=import_.pk)
    types = chunks.values("record_type").annotate(first=Min("number"), rows=Sum("row_count")).order_by("first")
    return [_make_table(chunks.filter(record_type=of["record_type"]), of, page_number) for of in types]


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
