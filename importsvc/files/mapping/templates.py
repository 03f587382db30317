"""Writes templates: files with the headers of a mapping and what belongs below them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as MappingOf
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import xlsxwriter

from importsvc.engine.errors import label
from importsvc.engine.parse import cells
from importsvc.engine.schema import registry
from importsvc.files.mapping.document import ColumnMapping, DateOrder, Formats, Mapping, Separate, Split
from importsvc.files.mapping.targets import Kind, Target, find_target
from importsvc.text.csv_cells import harmless

Format = Literal["csv", "xlsx"]

_EXPLANATIONS = ("Header", "Fills", "Required", "Format", "Example")
_NOT_IN_SHEET_NAMES = re.compile(r"[\[\]:*?/\\]")
_SHEET_NAME_LENGTH = 31
_WRITTEN_AT = datetime(2026, 1, 1, tzinfo=UTC)  # so that a template has the same bytes whenever it is written

# Format and example by the function that cleans a column.
_OF_CELLS: MappingOf[Callable[[object], Any], tuple[str, str]] = {
    cells.text: (f"Text of at most {cells.TEXT_LENGTH} characters", ""),
    cells.long_text: (f"Text of at most {cells.LONG_TEXT_LENGTH:,} characters", ""),
    cells.email: ("An e-mail address", "ann@example.com"),
    cells.currency: ("A currency code of ISO 4217", "EUR"),
    cells.whole_number: (f"A whole number from 0 to {cells.LARGEST_INTEGER:,}", "30"),
    cells.money: ("An amount with at most 2 digits after the decimal sign", "1234.50"),
    cells.tags: ("Text with commas between", "customer, fair"),
    cells.json_object: ("An object of JSON", '{"size": "L"}'),
}
_OF_KINDS: MappingOf[Kind, tuple[str, str]] = {
    "text": ("Text", ""),
    "number": ("A number", "12.5"),
    "boolean": ("yes or no", "yes"),
}
_DATES: MappingOf[DateOrder | None, tuple[str, str]] = {
    "dmy": ("A date: day, month, year", "31.12.2026"),
    "mdy": ("A date: month, day, year", "12/31/2026"),
    "ymd": ("A date: year, month, day", "2026-12-31"),
    None: ("A date: year, month, day", "2026-12-31"),
}


class Explanation(NamedTuple):
    """What belongs in a column of a template.

    Attributes:
        header: of the column.
        fills: the targets in words: ``First name and last name of person``.
        is_required: whether a row needs it.
        format: in words.
        example: a value; may be empty.
    """

    header: str
    fills: str
    is_required: bool
    format: str
    example: str


def explain_columns(mapping: Mapping, *, sheet: str | None = None) -> list[Explanation]:
    """What belongs in each column of the file, in the order of the mapping."""
    explained: dict[str, Explanation] = {}
    for column in mapping.in_sheet(sheet):
        for header in column.headers:
            explained.setdefault(header, _explain(header, column, mapping.formats))
    return list(explained.values())


def write_template(mapping: Mapping, format: Format) -> bytes:  # noqa: A002 - the field's word
    """An empty file for the mapping.

    A CSV file has the header, in UTF-8 with a byte order mark, and the columns of the mapping's first sheet. A workbook
    has each sheet of the mapping with its header, and a sheet that explains the columns.
    """
    return _write_csv(mapping) if format == "csv" else _write_workbook(mapping)


def _write_csv(mapping: Mapping) -> bytes:
    text = io.StringIO()
    headers = [explanation.header for explanation in explain_columns(mapping, sheet=_get_sheets(mapping)[0])]
    csv.writer(text).writerow([harmless(header) for header in headers])
    return text.getvalue().encode("utf-8-sig")


def _write_workbook(mapping: Mapping) -> bytes:
    content = io.BytesIO()
    workbook = xlsxwriter.Workbook(content, {"in_memory": True})
    workbook.set_properties({"created": _WRITTEN_AT})
    bold = workbook.add_format({"bold": True})
    text = workbook.add_format({"num_format": "@"})  # keeps leading zeros
    explained: list[tuple[str, Explanation]] = []
    names = name_sheets([sheet or "Rows" for sheet in _get_sheets(mapping)] + ["Columns"])
    for sheet, name in zip(_get_sheets(mapping), names, strict=False):
        worksheet = workbook.add_worksheet(name)
        worksheet.freeze_panes(1, 0)
        for position, explanation in enumerate(explain_columns(mapping, sheet=sheet)):
            worksheet.set_column(position, position, max(12, len(explanation.header) + 2), text)
            worksheet.write_string(0, position, explanation.header, bold)
            explained.append((name, explanation))
    worksheet = workbook.add_worksheet(names[-1])
    for row, values in enumerate(_write_explanations(explained)):
        for position, value in enumerate(values):
            worksheet.write_string(row, position, value, bold if row == 0 else text)
    worksheet.set_column(0, len(_EXPLANATIONS), 28)
    workbook.close()
    return content.getvalue()


def _write_explanations(explained: Sequence[tuple[str, Explanation]]) -> Iterator[tuple[str, ...]]:
    yield ("Sheet", *_EXPLANATIONS)
    for sheet, (header, fills, is_required, format_, example) in explained:
        yield sheet, header, fills, "yes" if is_required else "no", format_, example


def _explain(header: str, column: ColumnMapping, formats: Formats) -> Explanation:
    targets = [target for target in map(find_target, column.targets) if target is not None]
    names = [target.member or label(target.column) for target in targets]
    fills = " and ".join([names[0], *(name.lower() for name in names[1:])])
    format_, example = _describe(targets[0], column, formats)
    if any(isinstance(step, Split) for step in column.steps):
        format_, example = "Both in one cell, with a space between", "Ann Lee"
    for step in column.steps:
        if isinstance(step, Separate):
            format_, example = f"Text with '{step.by.strip()}' between", step.by.join(("customer", "fair"))
    if column.values:
        example = next(iter(column.values))
        format_ = f"One of {', '.join(column.values)}; or: {format_[:1].lower()}{format_[1:]}"
    is_required = any(target.required for target in targets)
    return Explanation(header, f"{fills} of {targets[0].type_name}", is_required, format_, example)


def _describe(target: Target, mapped: ColumnMapping, formats: Formats) -> tuple[str, str]:
    """The format of a target's values and an example."""
    if target.member is not None:
        kind = mapped.kind or target.kind
        described = _DATES[formats.date_order] if kind == "date" else _OF_KINDS[kind]
    else:
        importable = registry.get(target.type_name)
        for reference in importable.references:
            if reference.name == target.column:
                by = label(reference.by).lower()
                return f"The {by} of a {reference.to}, of this file or of an earlier import", ""
        column = next(column for column in importable.columns if column.name == target.column)
        described = _OF_CELLS.get(column.clean, _OF_KINDS["text"])
    format_, example = described
    return format_, example.replace(".", ",") if target.kind == "number" and formats.decimal_sign == "," else example


def _get_sheets(mapping: Mapping) -> list[str | None]:
    """The sheets that the mapping names, in its order; ``None`` for one that needs no name."""
    named = dict.fromkeys(column.sheet for column in mapping.columns if column.sheet is not None)
    return list(named) or [None]


def name_sheets(names: Sequence[str]) -> list[str]:
    """The names as a workbook allows them: short, without some characters, and different whatever their case."""
    allowed: list[str] = []
    taken: set[str] = set()
    for name in names:
        base = _NOT_IN_SHEET_NAMES.sub(" ", name).strip(" '")[:_SHEET_NAME_LENGTH] or "Sheet"
        unique, number = base, 1
        while unique.casefold() in taken:
            number += 1
            unique = f"{base[: _SHEET_NAME_LENGTH - 5]} ({number})"
        taken.add(unique.casefold())
        allowed.append(unique)
    return allowed
