"""Finds what keeps a mapping from being used for a table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import get_args

from importsvc.engine.schema import registry
from importsvc.files.mapping.document import (
    ALL_OTHERS,
    ColumnMapping,
    DateOrder,
    DecimalSign,
    Formats,
    Mapping,
)
from importsvc.files.mapping.headers import HeaderIndex
from importsvc.files.mapping.refusals import Problem
from importsvc.files.mapping.sides import SheetPlan, plan_sheet
from importsvc.files.mapping.targets import find_target
from importsvc.files.reading.detection import AMBIGUOUS, Detection
from importsvc.files.reading.tables import ERROR_FILE_HEADERS, WORKBOOKS, ReadOptions
from importsvc.text.display import printable

_POINT = re.compile(r"\d[.,]\d")


def get_formats(options: ReadOptions) -> Formats:
    """The formats that a file is read with, as far as they are known."""
    orders: dict[str | None, DateOrder] = {order: order for order in get_args(DateOrder)}
    signs: dict[str | None, DecimalSign] = {sign: sign for sign in get_args(DecimalSign)}
    return Formats(orders.get(options.date_order), signs.get(options.decimal_sign))


def find_problems(
    mapping: Mapping, *, headers: Sequence[str], sheet: str | None, detection: Detection
) -> list[Problem]:
    """What keeps the mapping from being used for a table; all of it. The paths are of the mapping's JSON.

    Args:
        mapping: as ``read_mapping`` gives it.
        headers: of the table.
        sheet: its name.
        detection: of the file. Its columns are those of the table.
    """
    index = HeaderIndex(headers)
    plan = plan_sheet(mapping, sheet)
    return [
        *_find_missing_headers(mapping, index, sheet),
        *_find_open_headers(mapping, index, sheet),
        *_find_missing_targets(mapping, plan, sheet),
        *_find_types_in_two_sheets(mapping),
        *_find_open_formats(mapping, index, sheet, detection),
    ]


def _find_missing_headers(mapping: Mapping, index: HeaderIndex, sheet: str | None) -> Iterator[Problem]:
    for position, column in enumerate(mapping.columns):
        if column.sheet not in (None, sheet):
            continue
        for number, header in enumerate(column.headers):
            if index.find(header) is None:
                path = f"/columns/{position}/headers/{number}"
                yield Problem("unknown_header", path, f"The file has no column '{printable(header)}'")


def _find_open_headers(mapping: Mapping, index: HeaderIndex, sheet: str | None) -> Iterator[Problem]:
    """The columns that the mapping says nothing of: what is in them would be lost without a word."""
    if ALL_OTHERS in mapping.ignored:
        return
    named = [*mapping.ignored, *ERROR_FILE_HEADERS]
    named += [header for column in mapping.in_sheet(sheet) for header in column.headers]
    known = {index.find(header) for header in named}
    for position, header in enumerate(index.headers):
        if position not in known:
            yield Problem("open_header", "/columns", f"'{printable(header)}' is neither mapped nor ignored")


def _find_missing_targets(mapping: Mapping, plan: SheetPlan, sheet: str | None) -> Iterator[Problem]:
    if plan.primary is None:
        yield Problem("nothing_mapped", "/columns", "No column fills a target")
        return
    filled = {name for column in mapping.in_sheet(sheet) for name in column.targets}
    for type_name in plan.unconnected:
        by = registry.get(type_name).match_key or "a unique column"
        message = f"{type_name}.{by} is filled by no column, so a row does not say which {type_name} it means"
        yield Problem("key_required", "/columns", message)
    if mapping.on_duplicate == "error":
        keys = set(plan.keys) | {plan.primary.name}
        for importable in (*plan.derived, plan.primary):
            for column in importable.columns:
                name = f"{importable.name}.{column.name}"
                is_key = importable in plan.derived and plan.get_key_column(importable) == column.name
                if column.required and importable.name in keys and name not in filled and not is_key:
                    yield Problem("target_required", "/columns", f"{name} is required, and is filled by no column")
    if mapping.match_by is not None and not any(name.partition(".")[2] == mapping.match_by for name in filled):
        message = f"Rows are matched by {mapping.match_by}, which no column fills"
        yield Problem("match_by_not_mapped", "/match_by", message)


def _find_types_in_two_sheets(mapping: Mapping) -> Iterator[Problem]:
    """Types that one sheet lists, and that another one gives values for beside another type."""
    sheets = {column.sheet for column in mapping.columns if column.sheet is not None}
    plans = {sheet: plan_sheet(mapping, sheet) for sheet in sorted(sheets)}
    listed = {plan.primary.name for plan in plans.values() if plan.primary is not None}
    for sheet, plan in plans.items():
        for importable in plan.derived:
            if importable.name in listed:
                message = f"{importable.name} has columns in sheet '{printable(sheet)}', and a sheet of its own"
                yield Problem("type_in_two_sheets", "/columns", message)


def _find_open_formats(
    mapping: Mapping, index: HeaderIndex, sheet: str | None, detection: Detection
) -> Iterator[Problem]:
    """Dates and numbers that can be read in two ways."""
    formats = mapping.formats.or_else(get_formats(detection.options()))
    detected = {column.header: column for column in detection.columns}
    is_text = detection.format.used not in WORKBOOKS
    for column in mapping.in_sheet(sheet):
        kinds = _get_kinds(column)
        for header in column.headers:
            position = index.find(header)
            found = detected.get(index.headers[position]) if position is not None else None
            if found is None:
                continue
            if "date" in kinds and found.date_order == AMBIGUOUS and formats.date_order is None:
                message = f"The dates of '{printable(header)}' can be read in two orders: say which, dmy or mdy"
                yield Problem("ambiguous_date_order", "/formats/date_order", message)
            if "number" in kinds and is_text and formats.decimal_sign is None and _has_point(found.samples):
                message = f"The numbers of '{printable(header)}' can be read in two ways: say the decimal sign"
                yield Problem("ambiguous_decimal_sign", "/formats/decimal_sign", message)


def _get_kinds(column: ColumnMapping) -> set[str]:
    targets = filter(None, map(find_target, column.targets))
    return {column.kind or target.kind for target in targets}


def _has_point(samples: Sequence[str]) -> bool:
    return any(_POINT.search(sample) for sample in samples)
