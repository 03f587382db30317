"""Planned rows, and their writing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from importsvc.changelog.models import Change, SingleChange
from importsvc.engine.apply.write import RecordWriter
from importsvc.engine.plan.plan import ColumnBatch, GivenValues, PlannedChunk
from importsvc.engine.schema import registry
from importsvc.engine.schema.defaults import Defaults
from importsvc.imports.models import Import


def company_row(name: Any, **values: Any) -> tuple[Any, ...]:
    """The clean values of a row."""
    return _row("company", name=name, **values)


def person_row(first_name: Any, **values: Any) -> tuple[Any, ...]:
    """The clean values of a row."""
    return _row("person", first_name=first_name, **values)


def _row(type_name: str, **values: Any) -> tuple[Any, ...]:
    row = tuple(values.pop(name, None) for name in registry.get(type_name).column_names)
    assert not values
    return row


def companies(*rows: tuple[Any, ...], first_row: int = 1) -> PlannedChunk:
    """A chunk whose rows all become records."""
    return plan_chunk("company", rows, first_row=first_row)


def people(*rows: tuple[Any, ...], first_row: int = 1) -> PlannedChunk:
    """A chunk whose rows all become records."""
    return plan_chunk("person", rows, first_row=first_row)


def plan_chunk(
    type_name: str,
    rows: Sequence[tuple[Any, ...] | None],
    *,
    first_row: int = 1,
    given: Sequence[GivenValues] = (),
    skipped: int = 0,
) -> PlannedChunk:
    """A chunk of these rows; a row that becomes no record is ``None``."""
    importable = registry.get(type_name)
    created = {first_row + index: row for index, row in enumerate(rows) if row is not None}
    columns = list(zip(*created.values(), strict=True)) or [()] * len(importable.column_names)
    return PlannedChunk(importable, len(rows), ColumnBatch(list(created), columns), given=given, skipped=skipped)


def write(import_: Import, *chunks: PlannedChunk, defaults: Defaults | None = None) -> list[dict[str, int]]:
    """Write the chunks in order; returns the counts of outcomes of each."""
    writer = RecordWriter(
        organization=import_.organization,
        import_id=import_.pk,
        defaults=defaults or Defaults(import_.organization),
        referenced={"company"},
    )
    counts = []
    for chunk in chunks:
        counts.append(writer.write(chunk))
        writer.finish()
    return counts


# The columns of the view of changes that restrict the chunks that it unpacks.
BOUNDS = {field.attname for field in Change._meta.fields} - {field.attname for field in SingleChange._meta.fields}


def rows_of(model: Any, **conditions: Any) -> list[dict[str, Any]]:
    """The records of a model, column by column; of changes without their bounds."""
    columns = [field.attname for field in model._meta.fields if model is not Change or field.attname not in BOUNDS]
    return list(model.objects.filter(**conditions).order_by("id").values(*columns))
