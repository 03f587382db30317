"""A plan to records: COPY into the tables and the journal. The caller owns the transaction and the locks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice, repeat
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


class Defaults:
    """What records get that no row says. It is asked once, and so the same however many loads an import takes."""

    def __init__(self, organization: Model) -> None:
        """``organization`` is the one that the records will belong to."""
        self._organization = organization
        self._blanks: dict[str, list[Any]] = {}
        self._common: dict[str, dict[_Field, Any]] = {}

    def blanks(self, importable: Importable) -> Sequence[Any]:
        """For each column and reference what a blank cell means, as far as it takes working out; else ``None``.

        It belongs in the journal with the values that rows give.
        """
        if importable.name not in self._blanks:
            fields = importable.fields
            blanks = [field.get_default() if has_computed_default(field) else None for field in fields]
            for position, column in enumerate(importable.columns):
                if column.default:
                    blanks[position] = column.default(self._organization)
            self._blanks[importable.name] = blanks
        return self._blanks[importable.name]

    def common(self, importable: Importable) -> Mapping[_Field, Any]:
        """The values of the fields that no row fills: the organization, and the model's defaults."""
        if importable.name not in self._common:
            common = {field: field.get_default() for field in importable.other_fields}
            self._common[importable.name] = {**common, importable.organization_field: self._organization.pk}
        return self._common[importable.name]

    def describe(self) -> dict[str, dict[str, Any]]:
        """The common values that a later look at the model would not tell, by type and column of the table, as JSON."""
        described = {
            name: {
                field.column: value
                for field, value in common.items()
                if field.name == "organization" or has_computed_default(field)
            }
            for name, common in self._common.items()
        }
        result: dict[str, dict[str, Any]] = json.loads(json_text(described))
        return result


def load(plan: Plan, *, organization: Model, import_id: int, defaults: Defaults | None = None) -> None:
    """Write the plan's records and the journal of them, while the plan is still being made if it is not yet.

    Ids are taken from the sequences first, so that references within the payload are known before anything is written.

    Args:
        plan: of records for this organization.
        organization: that the records will belong to; locked by the caller against other loads.
        import_id: that the journal names.
        defaults: the same for all loads of an import. What they ``describe`` belongs to the journal, too.

    Raises:
        PlanError: a row is wrong.
        django.db.IntegrityError: the database knows better than the plan, because somebody who takes no lock wrote
            meanwhile.

        Nothing may be kept of the transaction then.
    """
    defaults = defaults or Defaults(organization)
    forget_plans()
    ids: dict[str, Sequence[int]] = {}
    for records in plan.records:
        importable = records.importable
        ids[importable.name] = _reserve_ids(importable.model, len(records))
        blanks = defaults.blanks(importable)
        _write_records(importable, _complete(records, ids, blanks), defaults.common(importable))
        if records.has_errors:
            raise PlanError
        _write_journal(importable, _complete(records, ids, blanks), import_id)


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


def _complete(
    records: PlannedRecords, ids: Mapping[str, Sequence[int]], blanks: Sequence[Any]
) -> Iterator[tuple[Block, Sequence[int]]]:
    """The records with their ids, blanks filled, and ids for what they refer to."""
    own_ids = iter(ids[records.importable.name])
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
        yield Block(block.first_row, columns), list(islice(own_ids, len(columns[0])))


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
