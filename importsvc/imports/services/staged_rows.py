"""Staged rows and their errors, read page by page."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import connection

from importsvc.engine.errors import Code
from importsvc.engine.schema import registry
from importsvc.errors import RecordNotFound
from importsvc.imports.models import Import, StagedChunk, StagedRowError
from importsvc.imports.services.reverting import find_import
from importsvc.imports.services.row_errors import read_errors, select_errors
from importsvc.imports.services.row_reading import read_rows
from importsvc.imports.services.transactions import require_rows_kept
from organizations.models import Organization

# The groups that a summary lists.
SUMMARY_GROUPS = 100

# Levels of a row that are written. The limit of what can be read and written depends on the call stack.
DEEPEST_SHOWN = 100


@dataclass(frozen=True)
class RowWithErrors:
    """A staged row.

    Attributes:
        record_type: the importable's name.
        row: its number.
        line, sheet: its place in the file that it comes from; ``None`` and empty without a file.
        cells: the row as submitted: an object, unless it has an error. ``None`` if it is nested over 100 levels deep,
            which is an error as well.
        errors: its errors, in the order in which they are reported.
    """

    record_type: str
    row: int
    line: int | None
    sheet: str
    cells: Any
    errors: Sequence[StagedRowError]


class _Part(NamedTuple):
    """A chunk, and how many of its rows are listed."""

    number: int
    record_type: str
    first_row: int
    row_count: int
    deleted: Collection[int]
    listed: int


@dataclass(frozen=True)
class StagedRowList:
    """The staged rows of an import that were not deleted, in the order in which they came.

    Its length is their number; a slice reads only the chunks that it needs.
    """

    import_: Import
    has_errors: bool | None
    parts: Sequence[_Part] = field(default=())

    def __len__(self) -> int:
        """The number of rows."""
        return sum(part.listed for part in self.parts)

    def __getitem__(self, wanted: slice) -> list[RowWithErrors]:
        """The rows of a slice."""
        start, stop, _ = wanted.indices(len(self))
        found: list[RowWithErrors] = []
        before = 0
        for part in self.parts:
            first, last = max(start - before, 0), min(stop - before, part.listed)
            if first < last:
                found += self._read(part, first, last)
            before += part.listed
        return found

    def count_until(self, record_type: str, row: int) -> int:
        """The number of these rows up to a row of a type, which may be none of them, with that row."""
        count = 0
        is_found = False
        for part in self.parts:
            if part.record_type != record_type:
                if is_found:
                    break
            elif part.first_row > row:
                break
            else:
                is_found = True
                if part.first_row + part.row_count > row + 1:
                    return count + sum(each <= row for each in self._list_rows(part))
            count += part.listed
        return count

    def _list_rows(self, part: _Part) -> Sequence[int]:
        """The numbers of the rows of a chunk that are listed."""
        rows: Sequence[int] = range(part.first_row, part.first_row + part.row_count)
        if part.deleted or self.has_errors is not None:
            with_errors = self._list_rows_with_errors(part)
            rows = [row for row in rows if row not in part.deleted and self.has_errors in (None, row in with_errors)]
        return rows

    def _read(self, part: _Part, first: int, last: int) -> list[RowWithErrors]:
        return _read_with_errors(self.import_, part.record_type, self._list_rows(part)[first:last])

    def _list_rows_with_errors(self, part: _Part) -> set[int]:
        if self.has_errors is None:
            return set()
        end = part.first_row + part.row_count
        errors = select_errors(self.import_, part.record_type).filter(row__gte=part.first_row, row__lt=end)
        return set(errors.values_list("row", flat=True))


def list_rows(
    *,
    organization: Organization,
    import_id: int,
    record_types: Collection[str] | None = None,
    has_errors: bool | None = None,
) -> StagedRowList:
    """The staged rows of an import, of some types or of all, with or without errors or both.

    Raises:
        RecordNotFound, ImportPruned: there is no such import, or its rows were deleted.
        ImportDataInvalid: by a slice, if a row is nested too deep for the call stack.
    """
    import_ = find_import(import_id=import_id, organization=organization)
    require_rows_kept(import_)
    chunks = StagedChunk.objects.filter(organization_id=organization.pk, import_record_id=import_id)
    if record_types is not None:
        chunks = chunks.filter(record_type__in=record_types)
    described = chunks.order_by("number").values_list("number", "record_type", "first_row", "row_count", "deleted_rows")
    counts = {} if has_errors is None else _count_rows_with_errors(import_)
    parts = []
    for number, record_type, first_row, row_count, deleted in described:
        listed = row_count - len(deleted)
        if has_errors is not None:
            listed = counts.get(number, 0) if has_errors else listed - counts.get(number, 0)
        parts.append(_Part(number, record_type, first_row, row_count, frozenset(deleted), listed))
    return StagedRowList(import_, has_errors, parts)


def find_row(*, organization: Organization, import_id: int, record_type: str, row: int) -> RowWithErrors:
    """A staged row with its errors.

    Raises:
        RecordNotFound, ImportPruned: as ``list_rows``, or there is no such row.
    """
    if record_type not in registry.get_names():
        raise RecordNotFound
    import_ = find_import(import_id=import_id, organization=organization)
    require_rows_kept(import_)
    return read_row(import_, record_type, row)


def read_row(import_: Import, record_type: str, row: int) -> RowWithErrors:
    """A staged row of an import that was just read, with its errors.

    Raises:
        RecordNotFound: there is no such row.
    """
    found = _read_with_errors(import_, record_type, [row])
    if not found:
        raise RecordNotFound
    return found[0]


def _read_with_errors(import_: Import, record_type: str, rows: Sequence[int]) -> list[RowWithErrors]:
    """Those of the rows of a type that were not deleted, with their errors."""
    found = read_rows(import_, record_type, rows)
    errors: dict[int, list[StagedRowError]] = {}
    for error in read_errors(import_, record_type, rows):
        errors.setdefault(error.row, []).append(error)
    return [
        RowWithErrors(record_type, row, line, sheet, None if _is_too_deep(value) else value, errors.get(row, ()))
        for row, value, line, sheet in found
    ]


def get_error_codes() -> list[str]:
    """The codes that errors may have."""
    return [code.value for code in Code]


def summarize_errors(import_: Import) -> list[dict[str, Any]]:
    """The errors of an import in groups of the same type, column, code and value, the largest groups first.

    Each has the number of its errors, its first row and the message of that. There are at most ``SUMMARY_GROUPS``.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT record_type, "column", code, value, count, first_row, (SELECT message FROM imports_stagedrowerror'
            "   WHERE organization_id = %s AND import_id = %s AND record_type = grouped.record_type"
            '   AND row = first_row AND code = grouped.code AND "column" IS NOT DISTINCT FROM grouped.column'
            "   ORDER BY number LIMIT 1) FROM ("
            '  SELECT record_type, "column", code, value, count(*) AS count, min(row) AS first_row'
            "  FROM imports_stagedrowerror WHERE organization_id = %s AND import_id = %s"
            '  GROUP BY record_type, "column", code, value ORDER BY count DESC, record_type, first_row, code, "column"'
            '  LIMIT %s) AS grouped ORDER BY count DESC, record_type, first_row, code, "column"',
            [*(import_.organization_id, import_.pk) * 2, SUMMARY_GROUPS],
        )
        names = ("record_type", "column", "code", "value", "count", "first_row", "message")
        return [dict(zip(names, group, strict=True)) for group in cursor.fetchall()]


def _is_too_deep(value: Any) -> bool:
    """Whether a value is nested deeper than it can be written safely."""
    level = [value]
    for _ in range(DEEPEST_SHOWN):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return True


def _count_rows_with_errors(import_: Import) -> Mapping[int, int]:
    """The number of rows with errors by the number of the chunk."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT number, (SELECT count(DISTINCT row) FROM imports_stagedrowerror"
            "   WHERE organization_id = %s AND import_id = %s AND record_type = chunk.record_type"
            "   AND row >= first_row AND row < first_row + row_count)"
            " FROM imports_stagedchunk AS chunk WHERE organization_id = %s AND import_id = %s",
            [*(import_.organization_id, import_.pk) * 2],
        )
        return dict(cursor.fetchall())
