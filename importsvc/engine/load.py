"""A plan to records: COPY into the tables and the journal. The caller owns the transaction and the locks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, repeat
from typing import Any

from django.db import connection
from django.db.models import Model

from importsvc.engine.copying import (
    NULL,
    column_encoder,
    copy_rows,
    encoder,
    forget_plans,
    json_text,
    member_encoder,
)
from importsvc.engine.importable import Importable, has_computed_default
from importsvc.engine.plan import Block, Plan, PlannedRecords, RowOf
from importsvc.journal import CREATED, get_journal_model

_JOURNAL_COLUMNS = ("import_id", "record_type", "record_id", "row", "action", "before", "after")

_Field = Any


class PlanError(Exception):
    """A row turned out to be wrong while others were written; the plan says what is wrong with it."""


def load(plan: Plan, *, organization: Model, import_id: int) -> dict[str, dict[str, Any]]:
    """Write the plan's records and the journal of them, while the plan is still being made if it is not yet.

    Ids are taken from the sequences first, so that references within the payload are known before anything is
    written. A record's columns that no row fills get the model's own defaults, asked once for all records.

    Args:
        plan: of records for this organization.
        organization: that the records will belong to; locked by the caller against other loads.
        import_id: that the journal names.

    Returns:
        By type, what all its records got alike and a later look at the model's plain defaults would not tell, by column
        of the table and as JSON: the organization, and defaults such as the time. It belongs to the journal, and is kept
        once and not with every record.

    Raises:
        PlanError: a row is wrong.
        django.db.IntegrityError: the database knows better than the plan, because somebody who takes no lock wrote
            meanwhile.

        Nothing may be kept of the transaction then.
    """
    forget_plans()
    ids: dict[str, Sequence[int]] = {}
    shared: dict[str, dict[str, Any]] = {}
    for records in plan.records:
        importable = records.importable
        ids[importable.name] = _reserve_ids(importable.model, len(records))
        blanks = _find_blanks(importable, organization)
        # What no row says is the same in every record.
        common = {field: field.get_default() for field in importable.other_fields}
        common[importable.organization_field] = organization.pk
        _write_records(importable, _complete(records, ids, blanks), common)
        if records.has_errors:
            raise PlanError
        _write_journal(importable, _complete(records, ids, blanks), import_id)
        shared[importable.name] = {
            field.column: value
            for field, value in common.items()
            if field is importable.organization_field or has_computed_default(field)
        }
    result: dict[str, dict[str, Any]] = json.loads(json_text(shared))
    return result


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


def _find_blanks(importable: Importable, organization: Model) -> list[Any]:
    """What each column gets whose cell is blank, as far as it is worked out now: it belongs in the journal, too."""
    blanks = [field.get_default() if has_computed_default(field) else None for field in importable.fields]
    for position, column in enumerate(importable.columns):
        if column.default:
            blanks[position] = column.default(organization)
    return blanks


def _complete(
    records: PlannedRecords, ids: Mapping[str, Sequence[int]], blanks: Sequence[Any]
) -> Iterator[tuple[Block, Sequence[int]]]:
    """The records with their ids, blanks filled, and ids for what they refer to."""
    own_ids = ids[records.importable.name]
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
        start = block.first_row - 1
        yield Block(block.first_row, columns), own_ids[start : start + len(columns[0])]


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


def _write_journal(importable: Importable, blocks: Iterator[tuple[Block, Sequence[int]]], import_id: int) -> None:
    """One row for each record. ``after`` holds what the row gave, or was given for a blank in it."""
    head = f"{import_id}\t{importable.name}\t"
    middle = f"\t{CREATED}\t{NULL}\t"
    encoders = [member_encoder(field) for field in importable.fields]

    def make_lines(block: Block, ids: Sequence[int]) -> Iterator[str]:
        members = [encode(column) for encode, column in zip(encoders, block.columns, strict=True)]
        return (
            f"{head}{record_id}\t{row}{middle}{{{', '.join(filter(None, given))}}}\n"
            for row, (record_id, *given) in enumerate(zip(ids, *members, strict=True), start=block.first_row)
        )

    lines = chain.from_iterable(make_lines(block, ids) for block, ids in blocks)
    copy_rows(get_journal_model()._meta.db_table, _JOURNAL_COLUMNS, lines)
