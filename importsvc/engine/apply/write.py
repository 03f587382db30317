"""Planned chunks to records: COPY into the tables and the change log. The caller owns the transaction and the locks."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, repeat
from typing import Any

from django.db import connection
from django.db.models import Model

from importsvc.changelog.models import CREATED, UPDATED, Change
from importsvc.engine.apply.change_values import apply_change_values
from importsvc.engine.plan.diff import Difference, read_differences
from importsvc.engine.plan.plan import ColumnBatch, PlannedChunk, RowRef
from importsvc.engine.plan.preview import fill_blanks
from importsvc.engine.schema.defaults import Defaults
from importsvc.engine.schema.importable import Importable
from importsvc.postgres.copy import LINES_AT_ONCE, NULL, cell, column_encoder, copy_rows, encoder, member_encoder
from importsvc.postgres.plan_cache import force_generic_plans
from importsvc.postgres.statistics import analyze_columns

# A first chunk of as many records is probably not the last.
ANALYZED_FROM = 1_000

_CHANGE_COLUMNS = ("organization_id", "import_id", "record_type", "record_id", "row", "action", "before", "after")


class RecordWriter:
    """Writes the chunks of an import, those of types that are referred to first.

    Ids are taken from the sequences before anything is written, so that what rows of this payload refer to is known.
    """

    def __init__(
        self, *, organization: Model, import_id: int, defaults: Defaults, referenced: Collection[str] = ()
    ) -> None:
        """Prepare the transaction.

        Args:
            organization: that the records will belong to; locked by the caller against other imports and reverts.
            import_id: that the change log names.
            defaults: of the organization.
            referenced: the names of the types that rows of other types may refer to by row.
        """
        self._organization_id = organization.pk
        self._import_id = import_id
        self._defaults = defaults
        # Of each row the id of the record that it became, 0 if none: 8 bytes a row.
        self._ids = {name: array("q") for name in referenced}
        self._updated = False
        self._analyzed: set[str] = set()
        force_generic_plans()

    def write(self, planned: PlannedChunk, *, meanwhile: Callable[[], object] = lambda: None) -> dict[str, int]:
        """Write a chunk without errors; what became of its rows.

        ``meanwhile`` may be called, once, while PostgreSQL inserts the rows. It cannot use the connection.

        Raises:
            django.db.IntegrityError: another transaction, which takes no lock, wrote meanwhile. Nothing may be kept of
                the transaction then.
        """
        importable = planned.importable
        ids = _reserve_ids(importable.model, len(planned.created.rows))
        self._remember(planned, ids)
        batch = self._resolve(importable, fill_blanks(planned.created, self._defaults.blanks(importable)))
        if ids:
            _copy_records(importable, batch, ids, self._defaults.common(importable), meanwhile=meanwhile)
            self._copy_changes(importable, _make_created_lines(importable, batch, ids))
        if len(ids) >= ANALYZED_FROM and importable.name not in self._analyzed:
            self._analyze(importable)
        differences = read_differences(self._organization_id, importable, planned.given, self._defaults)
        if differences:
            self._updated = True
            self._copy_changes(importable, map(self._make_updated_line, differences))
        return count_rows(planned, differences)

    def finish_type(self, importable: Importable) -> None:
        """Give the records of a type that its chunks update their new values, which the change log has.

        Raises:
            django.db.IntegrityError: as ``write`` does.
        """
        if self._updated:
            apply_change_values(
                importable, organization_id=self._organization_id, import_id=self._import_id, side="after"
            )
        self._updated = False

    def _analyze(self, importable: Importable) -> None:
        """Let PostgreSQL count the records once the first are written.

        By the statistics of an empty table, an index that leads through all records of the organization is as good as
        any other to look up what the next chunks mention.
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

    def _copy_changes(self, importable: Importable, lines: Iterable[str]) -> None:
        head = f"{self._organization_id}\t{self._import_id}\t{importable.name}\t"
        copy_rows(Change._meta.db_table, _CHANGE_COLUMNS, map(head.__add__, lines))

    def _make_updated_line(self, difference: Difference) -> str:
        after = difference.complete({name: self._find_id(target) for name, target in difference.references.items()})
        return f"{difference.record_id}\t{difference.row}\t{UPDATED}\t{cell(difference.before)}\t{cell(after)}\n"


def count_rows(planned: PlannedChunk, differences: Sequence[Difference]) -> dict[str, int]:
    """How many of a chunk's rows are created, updated, unchanged and skipped."""
    return {
        "created": len(planned.created.rows),
        "updated": len(differences),
        "unchanged": len(planned.given) - len(differences),
        "skipped": planned.skipped,
    }


def _reserve_ids(model: type[Model], count: int) -> Sequence[int]:
    """New ids in ascending order: nearly always a range, unless other transactions took ids meanwhile."""
    if not count:
        return ()
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH reserved AS MATERIALIZED ("
            "  SELECT nextval((SELECT pg_get_serial_sequence(%s, 'id')::regclass)) AS id FROM generate_series(1, %s)"
            ") SELECT min(id), max(id), CASE WHEN max(id) - min(id) >= count(*) THEN array_agg(id ORDER BY id) END"
            " FROM reserved",
            [connection.ops.quote_name(model._meta.db_table), count],
        )
        first, last, scattered = cursor.fetchone()
    return scattered or range(first, last + 1)


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


def _make_created_lines(importable: Importable, batch: ColumnBatch, ids: Sequence[int]) -> Iterator[str]:
    """A line for each record. ``after`` holds what the row gave, or was given for a blank in it."""
    middle = f"\t{CREATED}\t{NULL}\t"
    for part, members in _encode_parts(batch, [member_encoder(field) for field in importable.fields]):
        objects = _join_members(members, len(batch.rows[part]))
        for record_id, row, given in zip(ids[part], batch.rows[part], objects, strict=False):
            yield f"{record_id}\t{row}{middle}{{{given}}}\n"


def _encode_parts(
    batch: ColumnBatch, encoders: Sequence[Callable[[Sequence[Any]], Sequence[str]]]
) -> Iterator[tuple[slice, list[Sequence[str]]]]:
    """The encoded columns, part by part: PostgreSQL inserts the lines of one part while the next one is encoded."""
    for start in range(0, len(batch.rows), LINES_AT_ONCE):
        part = slice(start, start + LINES_AT_ONCE)
        yield part, [encode(column[part]) for encode, column in zip(encoders, batch.columns, strict=True)]


def _join_members(columns: Sequence[Sequence[str]], count: int) -> Iterable[str]:
    """The members of so many objects, of which each column has one or, where nothing was given, an empty text."""
    given = [column for column in columns if any(column)]
    if not given:
        return repeat("", count)
    if all(map(all, given)):
        return map(", ".join, zip(*given, strict=True))
    return (", ".join(filter(None, members)) for members in zip(*given, strict=True))
