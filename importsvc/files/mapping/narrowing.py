"""What is left of a mapping of several sheets for an error file, which has the sheets that have errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from importsvc.files.mapping.document import ColumnMapping, Mapping
from importsvc.files.mapping.headers import HeaderIndex
from importsvc.files.mapping.proposals import fits
from importsvc.files.mapping.sides import lists_companies

_Table = tuple[ColumnMapping, ...]


def narrow_mapping(mapping: Mapping, *, headers: Sequence[str], sheets: Sequence[str]) -> Mapping | None:
    """The mapping with the columns of the sheets that the file has.

    CSV has no sheets: its table is that of the sheet whose columns have most of the headers. If other sheets have as
    many and are mapped differently, there is no telling: ``None``.
    """
    named = dict.fromkeys(column.sheet for column in mapping.columns if column.sheet is not None)
    if not named:
        return mapping
    if sheets:
        columns = tuple(column for column in mapping.columns if column.sheet is None or column.sheet in sheets)
    else:
        columns = _choose_table([_drop_sheets(mapping.in_sheet(sheet)) for sheet in named], HeaderIndex(headers))
        if not columns:
            return None
    narrowed = replace(mapping, columns=columns)
    if lists_companies(mapping) and not lists_companies(narrowed):
        # A company that the sheet of companies does not list stays an error.
        return replace(narrowed, missing_companies="error")
    return narrowed


def _drop_sheets(columns: Sequence[ColumnMapping]) -> _Table:
    return tuple(replace(column, sheet=None) for column in columns)


def _choose_table(tables: Sequence[_Table], index: HeaderIndex) -> _Table:
    """The columns of the table with these headers, or none."""
    fitting = [columns for columns in tables if fits(index, columns)]
    counts = [sum(len(column.headers) for column in columns) for columns in fitting]
    best = [columns for columns, count in zip(fitting, counts, strict=True) if count == max(counts)]
    return best[0] if best and all(columns == best[0] for columns in best) else ()
