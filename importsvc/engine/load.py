"""A plan to records: COPY into the tables and the journal. The caller owns the transaction and the locks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.db import connection
from django.db.models import Model

from importsvc.engine.copying import NULL, cell, copy_rows, encoder, forget_plans, json_text
from importsvc.engine.importable import Importable, has_computed_default
from importsvc.engine.plan import Plan, PlannedRecords, RowOf
from importsvc.journal import CREATED, get_journal_model

_JOURNAL_COLUMNS = ("import_id", "record_type", "record_id", "row", "action", "before", "after")

_Field = Any
# A record's id, and a value for each column and reference of its type; None stands for a plain default of the model.
_Record = tuple[int, list[Any]]


def load(plan: Plan, *, organization: Model, import_id: int) -> None:
    """Write the plan's records and the journal of them.

    Ids are taken from the sequences first, so that references within the payload are known before anything is
    written. A record's columns that no row fills get the model's own defaults, asked once for all records.

    Args:
        plan: without errors.
        organization: that the records will belong to; locked by the caller against other loads.
        import_id: that the journal names.

    Raises:
        django.db.IntegrityError: the database knows better than the plan, because somebody who takes no lock wrote
            meanwhile. Nothing may be kept of the transaction.
    """
    forget_plans()
    ids: dict[str, list[int]] = {}
    for planned in plan.records:
        importable = planned.importable
        ids[importable.name] = _reserve_ids(importable.model, len(planned.values))
        records = list(_make_records(planned, ids, _find_blanks(importable, organization)))
        # What no row says is the same in every record.
        common = {field: field.get_default() for field in importable.other_fields}
        common[importable.organization_field] = organization.pk
        _write_records(importable, records, common)
        _write_journal(importable, records, common, import_id)


def _reserve_ids(model: type[Model], count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval((SELECT pg_get_serial_sequence(%s, 'id')::regclass)) FROM generate_series(1, %s)",
            [connection.ops.quote_name(model._meta.db_table), count],
        )
        return [record_id for (record_id,) in cursor]


def _find_blanks(importable: Importable, organization: Model) -> list[Any]:
    """What each column gets whose cell is blank, as far as it is worked out now: it belongs in the journal, too."""
    blanks = [field.get_default() if has_computed_default(field) else None for field in importable.fields]
    for position, column in enumerate(importable.columns):
        if column.default:
            blanks[position] = column.default(organization)
    return blanks


def _make_records(planned: PlannedRecords, ids: Mapping[str, list[int]], blanks: list[Any]) -> Iterator[_Record]:
    references = range(len(planned.importable.columns), len(blanks))
    for record_id, planned_values in zip(ids[planned.importable.name], planned.values, strict=True):
        values = [blank if value is None else value for value, blank in zip(planned_values, blanks, strict=True)]
        for position in references:
            if isinstance(target := values[position], RowOf):
                values[position] = ids[target.type_name][target.row - 1]
        yield record_id, values


def _write_records(importable: Importable, records: list[_Record], common: Mapping[_Field, Any]) -> None:
    tail = "".join(f"\t{encoder(field)(value)}" for field, value in common.items()) + "\n"
    encoders = [(encoder(field), encoder(field)(field.get_default())) for field in importable.fields]

    def make_lines() -> Iterator[str]:
        for record_id, values in records:
            cells = [
                default if value is None else encode(value)
                for value, (encode, default) in zip(values, encoders, strict=True)
            ]
            yield f"{record_id}\t" + "\t".join(cells) + tail

    columns = ["id", *(field.column for field in (*importable.fields, *common))]
    copy_rows(importable.model._meta.db_table, columns, make_lines())


def _write_journal(
    importable: Importable, records: list[_Record], common: Mapping[_Field, Any], import_id: int
) -> None:
    """One row for each record. ``after`` holds what a later look at the model's plain defaults would not tell."""
    columns = [field.column for field in importable.fields]
    computed = {
        field.column: value
        for field, value in common.items()
        if field is importable.organization_field or has_computed_default(field)
    }
    computed = json.loads(json_text(computed))  # dates turned to text once, not for every record
    head = f"{import_id}\t{importable.name}\t"

    def make_lines() -> Iterator[str]:
        for row, (record_id, values) in enumerate(records, start=1):
            given = {column: value for column, value in zip(columns, values, strict=True) if value is not None}
            yield f"{head}{record_id}\t{row}\t{CREATED}\t{NULL}\t{cell(json_text(computed | given))}\n"

    copy_rows(get_journal_model()._meta.db_table, _JOURNAL_COLUMNS, make_lines())
