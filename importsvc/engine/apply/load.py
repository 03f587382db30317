"""A plan to records: COPY into the tables and the change log. The caller owns the transaction and the locks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, repeat
from typing import Any

from django.db import connection
from django.db.models import Model

from importsvc.changelog.models import CREATED, UPDATED, Change
from importsvc.engine.apply.change_values import apply_change_values
from importsvc.engine.plan.diff import Difference, Differences
from importsvc.engine.plan.plan import Block, Plan, PlannedRecords, RowOf
from importsvc.engine.schema.defaults import Defaults
from importsvc.engine.schema.importable import Importable
from importsvc.postgres.copy import (
    NULL,
    cell,
    column_encoder,
    copy_rows,
    encoder,
    forget_plans,
    member_encoder,
)

_CHANGE_COLUMNS = ("organization_id", "import_id", "record_type", "record_id", "row", "action", "before", "after")

_Field = Any


class PlanError(Exception):
    """A row turned out to be wrong while others were written; the plan says what is wrong with it."""


def load(
    plan: Plan,
    *,
    organization: Model,
    import_id: int,
    defaults: Defaults | None = None,
    differences: Differences | None = None,
    on_written: Callable[[int], None] | None = None,
) -> None:
    """Write the plan's records and their changes, while the plan is still being made if it is not yet.

    Ids are taken from the sequences first, so that references within the payload are known before anything is written.

    Args:
        plan: of records for this organization.
        organization: that the records will belong to; locked by the caller against other loads.
        import_id: that the changes name.
        defaults: the same for all loads of an import. What they ``describe`` belongs to the change log, too.
        differences: what the plan's rows change of records that exist; nobody may write these records meanwhile.
        on_written: told how many rows more are done with, some at a time.

    Raises:
        PlanError: a row is wrong.
        django.db.IntegrityError: the database knows better than the plan, because somebody who takes no lock wrote
            meanwhile.

        Nothing may be kept of the transaction then.
    """
    defaults = defaults or Defaults(organization)
    forget_plans()
    _keep_in_memory()
    ids: dict[str, Sequence[int]] = {}
    for records in plan.records:
        importable = records.importable
        ids[importable.name] = _reserve_ids(importable.model, len(records.rows))
        blanks = defaults.blanks(importable)
        blocks = complete(records, ids, blanks)
        _write_records(importable, _count(blocks, on_written) if on_written else blocks, defaults.common(importable))
        if records.has_errors:
            raise PlanError
        head = f"{organization.pk}\t{import_id}\t{importable.name}\t"
        _write_changes(importable, complete(records, ids, blanks), head)
        if differences and (changed := differences.of(importable)):
            _write_changes_of_updates(changed, ids, head)
            apply_change_values(importable, organization_id=organization.pk, import_id=import_id, side="after")
        if on_written:
            on_written(len(records.rows) - records.created)


def _keep_in_memory() -> None:
    """Let PostgreSQL keep what keys are checked by, the rows that a COPY has added, without a file on disk."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '32MB'")


def _reserve_ids(model: type[Model], count: int) -> Sequence[int]:
    """New ids in ascending order: nearly always a range, unless others took ids meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH reserved AS MATERIALIZED ("
            "  SELECT nextval((SELECT pg_get_serial_sequence(%s, 'id')::regclass)) AS id FROM generate_series(1, %s)"
            ") SELECT min(id), max(id), CASE WHEN max(id) - min(id) >= count(*) THEN array_agg(id ORDER BY id) END"
            " FROM reserved",
            [connection.ops.quote_name(model._meta.db_table), count],
        )
        first, last, scattered = cursor.fetchone()
    return scattered or range(first or 1, (last or 0) + 1)


def complete(
    records: PlannedRecords, ids: Mapping[str, Sequence[Any]], blanks: Sequence[Any]
) -> Iterator[tuple[Block, Sequence[Any]]]:
    """The records to create with their ids, blanks filled, and ids for what they refer to.

    Args:
        records: of one type.
        ids: by type, for each of its rows the id of the record that the row may become.
        blanks: what ``Defaults.blanks`` says of the type.
    """
    own_ids = ids[records.importable.name]
    start = records.rows.start
    references = range(len(records.importable.columns), len(blanks))
    for block in records.blocks():
        columns = list(block.columns)
        for position, blank in enumerate(blanks):
            if blank is not None:
                columns[position] = [blank if value is None else value for value in columns[position]]
        for position in references:
            columns[position] = [
                ids[target.type_name][target.row - 1] if isinstance(target, RowOf) else target
                for target in columns[position]
            ]
        yield Block(block.rows, columns), [own_ids[row - start] for row in block.rows]


def _count(
    blocks: Iterator[tuple[Block, Sequence[int]]], on_written: Callable[[int], None]
) -> Iterator[tuple[Block, Sequence[int]]]:
    """The blocks, each counted when the next one is asked for."""
    for block, ids in blocks:
        yield block, ids
        on_written(len(block.rows))


def _write_records(
    importable: Importable, blocks: Iterator[tuple[Block, Sequence[int]]], common: Mapping[_Field, Any]
) -> None:
    tail = "\t".join(encoder(field)(value) for field, value in common.items()) + "\n"
    encoders = [column_encoder(field, null=encoder(field)(field.get_default())) for field in importable.fields]

    def make_lines(block: Block, ids: Sequence[int]) -> Iterator[str]:
        cells = [encode(column) for encode, column in zip(encoders, block.columns, strict=True)]
        return map("\t".join, zip(map(str, ids), *cells, repeat(tail)))

    columns = ["id", *(field.column for field in (*importable.fields, *common))]
    lines = chain.from_iterable(make_lines(block, ids) for block, ids in blocks)
    copy_rows(importable.model._meta.db_table, columns, lines)


def _write_changes(importable: Importable, blocks: Iterator[tuple[Block, Sequence[int]]], head: str) -> None:
    """One row for each record; each begins with ``head``. ``after`` has what the row gave, or got for a blank."""
    middle = f"\t{CREATED}\t{NULL}\t"
    encoders = [member_encoder(field) for field in importable.fields]

    def make_lines(block: Block, ids: Sequence[int]) -> Iterator[str]:
        members = [encode(column) for encode, column in zip(encoders, block.columns, strict=True)]
        return (
            f"{head}{record_id}\t{row}{middle}{{{given}}}\n"
            for record_id, row, given in zip(ids, block.rows, _join_members(members, len(ids)), strict=True)
        )

    lines = chain.from_iterable(make_lines(block, ids) for block, ids in blocks)
    copy_rows(Change._meta.db_table, _CHANGE_COLUMNS, lines)


def _join_members(columns: Sequence[Sequence[str]], count: int) -> Iterable[str]:
    """The members of so many objects, of which each column has one or, where nothing was given, an empty text."""
    given = [column for column in columns if any(column)]
    if not given:
        return repeat("", count)
    if all(map(all, given)):
        return map(", ".join, zip(*given, strict=True))
    return (", ".join(filter(None, members)) for members in zip(*given, strict=True))


def _write_changes_of_updates(differences: Sequence[Difference], ids: Mapping[str, Sequence[int]], head: str) -> None:
    """One row for each record that changes, with its values of before and after; each begins with ``head``."""

    def make_line(difference: Difference) -> str:
        after = difference.complete({name: ids[to.type_name][to.row - 1] for name, to in difference.references.items()})
        return f"{head}{difference.record_id}\t{difference.row}\t{UPDATED}\t{cell(difference.before)}\t{cell(after)}\n"

    copy_rows(Change._meta.db_table, _CHANGE_COLUMNS, map(make_line, differences))
