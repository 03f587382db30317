"""Writes planned chunks by COPY into the tables of records and the change log.

The caller owns the transaction and has locked the organization.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, count, repeat
from typing import Any

from django.db import connection
from django.db.models import Model

from importsvc.changelog.models import BLOCK_SIZE, UPDATED, CreatedChunk, SingleChange
from importsvc.engine.apply.change_values import apply_change_values
from importsvc.engine.plan.diff import Diff, read_diffs
from importsvc.engine.plan.plan import ColumnBatch, PlannedChunk, RowRef
from importsvc.engine.plan.preview import fill_blanks
from importsvc.engine.schema.defaults import Defaults
from importsvc.engine.schema.importable import Importable
from importsvc.postgres.copy import LINES_AT_ONCE, cell, column_encoder, copy_rows, encoder, member_encoder
from importsvc.postgres.plan_cache import force_generic_plans
from importsvc.postgres.statistics import analyze_columns

# The number of created records in a chunk from which ANALYZE is worth its time: more chunks probably follow.
ANALYZED_FROM = 1_000

_CHANGE_COLUMNS = ("organization_id", "import_id", "record_type", "id", "record_id", "row", "action", "before", "after")
_CHUNK_COLUMNS = (
    *("organization_id", "import_id", "record_type", "block", "record_count", "first_id", "last_id"),
    *("record_ids", "rows", "columns", "after"),
)


class RecordWriter:
    """Writes the chunks of an import. Chunks of a type come after those of the types that it refers to.

    The ids of a chunk's records are taken from the sequence before they are written. Rows of later chunks can then
    refer to them.
    """

    def __init__(
        self, *, organization: Model, import_id: int, defaults: Defaults, referenced: Collection[str] = ()
    ) -> None:
        """Prepare the transaction.

        Args:
            organization: of the records. The caller has locked it, so that no other import or revert of it runs.
            import_id: the import, for the change log.
            defaults: the organization's values for columns that no row fills.
            referenced: the names of the types that rows of other types may refer to by row.
        """
        self._organization_id = organization.pk
        self._import_id = import_id
        self._defaults = defaults
        # By type, the id of the record that each row created, or 0: 8 bytes a row.
        self._ids = {name: array("q") for name in referenced}
        self._updated: dict[str, Importable] = {}
        self._analyzed: set[str] = set()
        force_generic_plans()

    def write(self, planned: PlannedChunk, *, meanwhile: Callable[[], object] = lambda: None) -> dict[str, int]:
        """Write a chunk that has no row errors, and return the counts of ``count_rows``.

        ``meanwhile`` is called while PostgreSQL inserts the records, and again while it inserts changes. It cannot use
        the connection.

        Raises:
            django.db.IntegrityError: a transaction without the locks wrote the same values. The caller rolls back.
        """
        importable = planned.importable
        ids = _reserve_ids(importable.model, len(planned.created.rows))
        self._remember(planned, ids)
        batch = self._resolve(importable, fill_blanks(planned.created, self._defaults.blanks(importable)))
        if ids:
            block = _reserve_block()

            @cache
            def make_line() -> str:
                return self._make_created_line(importable, batch, ids, block)

            # PostgreSQL works on the records for longer than on their changes.
            _copy_records(
                *(importable, batch, ids, self._defaults.common(importable)),
                meanwhile=lambda: (make_line(), meanwhile()),
            )
            copy_rows(CreatedChunk._meta.db_table, _CHUNK_COLUMNS, [make_line()], meanwhile=meanwhile)
        if len(ids) >= ANALYZED_FROM and importable.name not in self._analyzed:
            self._analyze(importable)
        diffs = read_diffs(self._organization_id, importable, planned.given, self._defaults)
        if diffs:
            self._updated[importable.name] = importable
            self._copy_updated(importable, diffs, meanwhile=meanwhile)
        return count_rows(planned, diffs)

    def finish(self) -> None:
        """Write the new values of updated records from the change log into the records, after the last chunk.

        Not before: later chunks are planned with the values from before the import, such as the name of a company
        that a row renames, in a run as in a preview.

        Raises:
            django.db.IntegrityError: as ``write`` does.
        """
        for importable in self._updated.values():
            apply_change_values(
                importable, organization_id=self._organization_id, import_id=self._import_id, side="after"
            )

    def _analyze(self, importable: Importable) -> None:
        """Run ANALYZE after the first large chunk.

        With the statistics of an empty table, PostgreSQL may look up the values of the next chunks by an index that
        leads through all records of the organization.
        """
        self._analyzed.add(importable.name)
        quote = connection.ops.quote_name
        column = quote(str(importable.organization_field.column))
        analyze_columns({quote(importable.model._meta.db_table): {column}})

    def _remember(self, planned: PlannedChunk, ids: Sequence[int]) -> None:
        known = self._ids.get(planned.importable.name)
        if known is None:
            return
        start = len(known)
        known.extend(repeat(0, planned.row_count))
        for row, record_id in zip(planned.created.rows, ids, strict=True):
            known[row - 1] = record_id
        assert start + planned.row_count == len(known)  # noqa: S101 - rows are numbered without gaps

    def _find_id(self, target: RowRef) -> int:
        return self._ids[target.type_name][target.row - 1]

    def _resolve(self, importable: Importable, batch: ColumnBatch) -> ColumnBatch:
        """The records with ids in place of rows that they refer to."""
        columns = list(batch.columns)
        for position in range(len(importable.columns), len(columns)):
            columns[position] = [
                self._find_id(value) if isinstance(value, RowRef) else value for value in columns[position]
            ]
        return ColumnBatch(batch.rows, columns)

    def _make_created_line(self, importable: Importable, batch: ColumnBatch, ids: Sequence[int], block: int) -> str:
        """The changes of created records as a line of COPY text for ``CreatedChunk``.

        ``after`` has the values of the row, and the defaults of its blank cells.
        """
        columns = [
            str(field.column)
            for field, column in zip(importable.fields, batch.columns, strict=True)
            if column.count(None) < len(column)
        ]
        cells = (
            *(self._organization_id, self._import_id, importable.name, block, len(ids), ids[0], ids[-1]),
            *map(_array_cell, (ids, batch.rows, columns)),
            f"[{', '.join(_make_created_objects(importable, batch))}]",
        )
        return "\t".join(map(str, cells)) + "\n"

    def _copy_updated(self, importable: Importable, diffs: Sequence[Diff], *, meanwhile: Callable[[], object]) -> None:
        head = f"{self._organization_id}\t{self._import_id}\t{importable.name}\t"
        ids = count(_reserve_block() * BLOCK_SIZE)
        lines = (f"{head}{pk}\t{self._make_updated_line(diff)}" for pk, diff in zip(ids, diffs, strict=False))
        copy_rows(SingleChange._meta.db_table, _CHANGE_COLUMNS, lines, meanwhile=meanwhile)

    def _make_updated_line(self, diff: Diff) -> str:
        after = diff.complete({name: self._find_id(target) for name, target in diff.references.items()})
        return f"{diff.record_id}\t{diff.row}\t{UPDATED}\t{cell(diff.before)}\t{cell(after)}\n"


def count_rows(planned: PlannedChunk, diffs: Sequence[Diff]) -> dict[str, int]:
    """The numbers of a chunk's rows that are created, updated, unchanged and skipped."""
    return {
        "created": len(planned.created.rows),
        "updated": len(diffs),
        "unchanged": len(planned.given) - len(diffs),
        "skipped": planned.skipped,
    }


def _reserve_ids(model: type[Model], count: int) -> Sequence[int]:
    """Take ids from the sequence, in ascending order."""
    if not count:
        return ()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT array_agg(nextval((SELECT pg_get_serial_sequence(%s, 'id')::regclass)))"
            " FROM generate_series(1, %s)",
            [connection.ops.quote_name(model._meta.db_table), count],
        )
        ids: list[int] = cursor.fetchone()[0]
        return ids


def _reserve_block() -> int:
    """Take a block of ids of changes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('changelog_block')")
        return int(cursor.fetchone()[0])


def _array_cell(values: Iterable[object]) -> str:
    """Numbers or names as a cell of COPY text."""
    return f"{{{','.join(map(str, values))}}}"


def _copy_records(
    importable: Importable,
    batch: ColumnBatch,
    ids: Sequence[int],
    common: Mapping[Any, Any],
    *,
    meanwhile: Callable[[], object],
) -> None:
    tail = "\t".join(encoder(field)(value) for field, value in common.items()) + "\n"
    encoders = [column_encoder(field, null=encoder(field)(field.get_default())) for field in importable.fields]
    lines = (
        map("\t".join, zip(map(str, ids[part]), *cells, repeat(tail))) for part, cells in _encode_parts(batch, encoders)
    )
    columns = ["id", *(field.column for field in (*importable.fields, *common))]
    copy_rows(importable.model._meta.db_table, columns, chain.from_iterable(lines), meanwhile=meanwhile)


def _make_created_objects(importable: Importable, batch: ColumnBatch) -> Iterator[str]:
    """The values of the records as objects of JSON, some at a time with commas between them."""
    for part, members in _encode_parts(batch, [member_encoder(field) for field in importable.fields]):
        yield f"{{{'}, {'.join(_join_members(members, len(batch.rows[part])))}}}"


def _encode_parts(
    batch: ColumnBatch, encoders: Sequence[Callable[[Sequence[Any]], Sequence[str]]]
) -> Iterator[tuple[slice, list[Sequence[str]]]]:
    """The encoded columns, part by part: PostgreSQL inserts the lines of one part while the next one is encoded."""
    for start in range(0, len(batch.rows), LINES_AT_ONCE):
        part = slice(start, start + LINES_AT_ONCE)
        yield part, [encode(column[part]) for encode, column in zip(encoders, batch.columns, strict=True)]


def _join_members(columns: Sequence[Sequence[str]], count: int) -> Iterable[str]:
    """The members of each object as one text. A column has a member for each object, or an empty text."""
    given = [column for column in columns if any(column)]
    if not given:
        return repeat("", count)
    if all(map(all, given)):
        return map(", ".join, zip(*given, strict=True))
    return (", ".join(filter(None, members)) for members in zip(*given, strict=True))
