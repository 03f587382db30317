"""Writes templates: files with the headers of a mapping and what belongs below them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as MappingOf
from typing import Any, Literal, NamedTuple

from importsvc.engine.errors import label
from importsvc.engine.parse import cells
from importsvc.engine.schema import registry
from importsvc.files.mapping.document import ColumnMapping, DateOrder, Formats, Mapping, Separate, Split
from importsvc.files.mapping.targets import Kind, Target, find_target
from importsvc.files.writing import NO_NAME, name_sheets, write_csv, write_xlsx

Format = Literal["csv", "xlsx"]

_EXPLANATIONS = ("Header", "Fills", "Required", "Format", "Example")
_EXPLANATION_WIDTH = 28

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
    content = io.BytesIO()
    sheets = _get_sheets(mapping)
    if format == "csv":
        with write_csv(content) as writer:
            writer.begin_sheet(None, _list_headers(mapping, sheets[0]))
        return content.getvalue()
    explained: list[tuple[str, Explanation]] = []
    with write_xlsx(content, is_text=True) as writer:
        for sheet, name in zip(sheets, name_sheets([sheet or NO_NAME for sheet in sheets]), strict=True):
            writer.begin_sheet(sheet, _list_headers(mapping, sheet))
            explained += [(name, explanation) for explanation in explain_columns(mapping, sheet=sheet)]
        writer.begin_sheet("Columns", ("Sheet", *_EXPLANATIONS), width=_EXPLANATION_WIDTH)
        for row in _write_explanations(explained):
            writer.write_row(row)
    return content.getvalue()


def _list_headers(mapping: Mapping, sheet: str | None) -> list[str]:
    return [explanation.header for explanation in explain_columns(mapping, sheet=sheet)]


def _write_explanations(explained: Sequence[tuple[str, Explanation]]) -> Iterator[tuple[str, ...]]:
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
