"""What ``import_file`` prints of a file: what was detected, the mapping, the first rows, problems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from importsvc.errors import DomainError
from importsvc.files.detecting import OPTIONS
from importsvc.files.errors import FileUnreadable, MappingRefused
from importsvc.files.mapping.editing import HeaderTarget
from importsvc.files.mapping.headers import HeaderIndex
from importsvc.files.mapping.targets import get_targets
from importsvc.files.models import ImportFile
from importsvc.files.reading.tables import ERROR_FILE_HEADERS
from importsvc.imports.services import FilePreview, FirstRow, describe_cell
from importsvc.management.output import format_table

NOTHING = "–"
SHOWN_PROBLEMS = 20

# How separators are shown.
_SHOWN = {"\t": "tab", " ": "space", "": "none"}


def describe_preview(preview: FilePreview, *, targets: Sequence[HeaderTarget]) -> list[str]:
    """The lines of a preview: what was detected, the columns with what they fill, and the first rows.

    ``targets`` are those that the caller has given.
    """
    lines: list[str] = []
    if preview.file is not None and preview.mapping is not None:
        lines += _describe_file(preview.file)
        if preview.file.sheets:
            lines += ["", *_describe_sheets(preview.file.sheets)]
        lines += ["", *_describe_columns(preview.file, preview.mapping, targets)]
    for type_name, rows in preview.first_rows.items():
        count = preview.row_counts[type_name]
        of = f"first {len(rows)} of {count} rows" if count > len(rows) else f"{count} row{'' if count == 1 else 's'}"
        lines += ["", f"{type_name}, {of}:", *_describe_rows(rows)]
    for count, what in (
        (preview.blank_row_count, "Blank rows of the file, which are left out"),
        (preview.unmapped_row_count, "Rows with values only in columns that are not mapped, which are left out"),
    ):
        lines += ["", f"{what}: {count}"] if count else []
    # A blank line at the end: the next output is about something else.
    return [*lines[0 if preview.file else 1 :], "", ""]


def write_preview(preview: FilePreview) -> dict[str, Any]:
    """A preview as members of a JSON document."""
    file = preview.file
    return {
        "file": file
        and {
            "name": file.name,
            "size": file.size,
            "line_count": file.line_count,
            "sheets": file.sheets,
            **{name: getattr(file, name) for name in OPTIONS},
            "guesses": file.guesses,
            "columns": file.columns,
        },
        "mapping": preview.mapping,
        "problems": write_problems(preview.problems),
        "first_rows": {
            name: [{"row": row.row, "line": row.line, "cells": row.value} for row in rows]
            for name, rows in preview.first_rows.items()
        },
        "row_counts": preview.row_counts,
        "blank_row_count": preview.blank_row_count,
        "unmapped_row_count": preview.unmapped_row_count,
    }


def write_problems(refused: MappingRefused | None) -> list[dict[str, Any]]:
    """The problems of a mapping as data."""
    return [{"code": (each.meta or {})["reason"], "message": each.detail} for each in refused.each] if refused else []


def describe_problems(refused: MappingRefused) -> list[str]:
    """A line for each of the first problems of a mapping, and what can be done about them."""
    messages = [str(each.detail) for each in refused.each]
    more = len(messages) - SHOWN_PROBLEMS
    codes = {(each.meta or {})["reason"] for each in refused.each}
    lines = [*messages[:SHOWN_PROBLEMS], *([f"and {more} more"] if more > 0 else [])]
    return [*lines, *(advice for code, advice in _list_advice() if code in codes)]


def describe_refusal(error: DomainError, name: str) -> str:
    """A refusal that is no row error, in a sentence. ``name`` is that of the file."""
    if isinstance(error, FileUnreadable):
        return f"{name}: {error.detail}"
    if error.attribute == "name":
        return f"The name of the import model {error.detail}"
    return str(error.detail)


def _list_advice() -> Iterator[tuple[str, str]]:
    yield "open_header", "Map a column with --map HEADER=TARGET, or leave it out with --ignore HEADER."
    yield "unknown_header", "The option --preview shows the columns of the file."
    yield "ambiguous_date_order", "Say the order of the dates with --date-order."
    yield "ambiguous_decimal_sign", "Say the decimal sign with --decimal-sign."
    yield "unknown_target", f"Targets are {', '.join(target.name for target in get_targets())}."


def _describe_file(file: ImportFile) -> list[str]:
    rows = []
    for name in OPTIONS:
        used = getattr(file, name)
        if used is not None or file.guesses[name]["value"] is not None:
            how = "given" if name in file.overrides else f"{file.guesses[name]['confidence']:.0%} sure"
            rows.append([name, _SHOWN.get(used, str(used)), how])
    lines = [] if file.line_count is None else [["line_count", str(file.line_count), ""]]
    return format_table(("file", file.name or NOTHING, ""), [["size", f"{file.size} bytes", ""], *lines, *rows])


def _describe_sheets(sheets: Sequence[Mapping[str, Any]]) -> list[str]:
    members = ("name", "row_count", "hidden_row_count", "trailing_blank_row_count")
    cells = [[str(sheet[member]) for member in members] for sheet in sheets]
    return format_table(("sheet", "rows", "hidden", "blank at the end"), cells)


def _describe_columns(file: ImportFile, mapping: Mapping[str, Any], targets: Sequence[HeaderTarget]) -> list[str]:
    index = HeaderIndex([column["header"] for column in file.columns])
    filled: dict[int | None, list[str]] = {}
    for mapped in mapping["columns"]:
        if mapped.get("sheet") in (None, file.sheet):
            for header in mapped["headers"]:
                filled.setdefault(index.find(header), []).extend(mapped["targets"])
    given = {index.find(each.header) for each in targets}
    ignored = {index.find(header) for header in (*mapping["ignored"], *ERROR_FILE_HEADERS)}
    rows = []
    for position, column in enumerate(file.columns):
        how, score = _find_how(column, filled.get(position, []), is_given=position in given)
        if position not in filled and (position in ignored or "*" in mapping["ignored"]):
            how = "ignored"
        rows.append(
            [
                column["header"],
                " + ".join(filled.get(position, [])) or NOTHING,
                how,
                score,
                column["kind"],
                f"{column['fill_rate']:.0%}",
                ", ".join(column["samples"][:3]),
            ]
        )
    return format_table(("header", "target", "how", "score", "kind", "filled", "values"), rows)


def _find_how(column: Mapping[str, Any], targets: Sequence[str], *, is_given: bool) -> tuple[str, str]:
    if is_given:
        return "given", ""
    if not targets:
        return "open", ""
    proposal = column["proposal"]
    if proposal is None or list(proposal["targets"]) != list(targets):
        return "saved", ""
    return proposal["how"], f"{proposal['score']:.2f}"


def _describe_rows(rows: Sequence[FirstRow]) -> list[str]:
    columns = dict.fromkeys(name for row in rows if isinstance(row.value, dict) for name in row.value)
    has_lines = any(row.line is not None for row in rows)
    cells = []
    for row in rows:
        place = [str(row.row), *([str(row.line)] if has_lines else [])]
        value = row.value if isinstance(row.value, dict) else {}
        cells.append([*place, *(describe_cell(value[name]) if name in value else "" for name in columns)])
    return format_table(["row", *(["line"] if has_lines else []), *columns], cells)
