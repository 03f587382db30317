"""``/import/<organization>/files/<file>/``: what was detected in a file, each guess of which can be changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from importsvc.errors import DomainError
from importsvc.files import services
from importsvc.files.models import ImportFile
from importsvc.files.reading.detection import AMBIGUOUS
from importsvc.files.reading.encodings import ENCODINGS
from importsvc.files.reading.tables import CSV, WORKBOOKS
from importsvc.wizard.access import Access, with_access
from importsvc.wizard.refusals import describe

SHOWN_ROWS = 8
SHOWN_COLUMNS = 30

_LABELS = {
    "sheet": "Sheet",
    "header_row": "Row of the headers",
    "encoding": "Encoding",
    "separator": "Separator",
    "quote": "Quote",
    "date_order": "Order of dates",
    "decimal_sign": "Decimal sign",
}
_NAMES: Mapping[str, Mapping[Any, str]] = {
    "separator": {
        ",": "Comma  ,",
        ";": "Semicolon  ;",
        "\t": "Tab",
        "|": "Vertical bar  |",
        "^": "Caret  ^",
        "": "None: a single column",
    },
    "quote": {'"': 'Double  "', "'": "Single  '", "": "None"},
    "date_order": {
        "dmy": "Day, month, year: 31.12.2026",
        "mdy": "Month, day, year: 12/31/2026",
        "ymd": "Year, month, day: 2026-12-31",
    },
    "decimal_sign": {".": "Point: 1.5", ",": "Comma: 1,5"},
    "encoding": {name: name for name in ENCODINGS},
}
# In a form, in place of what was detected.
_DETECTED = "detected"
# No file has a row with a number of so many digits.
_DIGITS = 10
# Guesses below this confidence are shown as such.
_SURE = 0.9


@dataclass(frozen=True)
class Option:
    """A field of the form.

    Attributes:
        choices: the value and the text of each; the first is what was detected.
        chosen: the value that is selected.
        note: how far the guess can be trusted, or that the option was set.
        needs_attention: whether the guess is to be looked at.
    """

    name: str
    label: str
    choices: list[tuple[str, str]]
    chosen: str
    note: str
    needs_attention: bool


@with_access
@require_http_methods(["GET", "HEAD", "POST"])
def show_file(request: HttpRequest, access: Access, file_id: int) -> HttpResponse:
    """``GET``: the options and the first rows; ``POST``: set options, and show the page, or the columns, again."""
    file = services.find_import_file(organization=access.organization, file_id=file_id)
    if request.method == "POST":
        return _set_options(request, access, file)
    try:
        rows, sentences = services.read_first_rows(file, below_header=SHOWN_ROWS), []
    except DomainError as error:
        rows, sentences = [], describe(error)
    width = max((len(row.cells) for row in rows), default=0)
    context = {
        "access": access,
        "file": file,
        "step": "file",
        "options": [_describe_option(file, name) for name in _find_options(file)],
        "rows": [(row, [*row.cells, *[""] * (width - len(row.cells))][:SHOWN_COLUMNS]) for row in rows],
        "numbers": range(1, min(width, SHOWN_COLUMNS) + 1),
        "hidden_columns": max(width - SHOWN_COLUMNS, 0),
        "sentences": sentences,
    }
    return render(request, "wizard/file.html", context)


def _set_options(request: HttpRequest, access: Access, file: ImportFile) -> HttpResponse:
    given = {name: request.POST[name] for name in _find_options(file) if name in request.POST}
    options: dict[str, Any] = {name: None if value == _DETECTED else value for name, value in given.items()}
    if isinstance(row := options.get("header_row"), str):
        options["header_row"] = int(row) if row.isascii() and row.isdigit() and len(row) < _DIGITS else -1
    try:
        services.update_import_file(organization=access.organization, file_id=file.pk, options=options)
    except DomainError as error:
        for sentence in describe(error):
            messages.error(request, sentence)
        return redirect("wizard:file", access.organization.pk, file.pk)
    wanted = "wizard:columns" if "next" in request.POST else "wizard:file"
    return redirect(wanted, access.organization.pk, file.pk)


def _find_options(file: ImportFile) -> list[str]:
    """The options that the format of the file has."""
    if file.format == CSV:
        return [name for name in _LABELS if name != "sheet"]
    if file.format in WORKBOOKS:
        return ["sheet", "header_row", "date_order"]
    return ["sheet", "date_order"] if file.sheets else ["date_order"]


def _describe_option(file: ImportFile, name: str) -> Option:
    guess = file.guesses[name]
    names = dict(_NAMES.get(name, {}))
    if name == "sheet":
        names = {sheet["name"]: f"{sheet['name']} ({sheet['row_count']:,} rows)" for sheet in file.sheets}
    if name == "header_row":
        last = max((file.header_row or 0) + SHOWN_ROWS, 10)
        names = {0: "None: the first row is data", **{row: f"Row {row}" for row in range(1, last + 1)}}
    used = getattr(file, name)
    if used is not None and name != "date_order":
        names.setdefault(used, str(used))
    is_set = name in file.overrides
    is_open = guess["value"] in (None, AMBIGUOUS)
    detected = "Not detected" if is_open else f"Detected: {names.get(guess['value'], guess['value'])}"
    is_ambiguous = name == "date_order" and any(column["date_order"] == AMBIGUOUS for column in file.columns)
    is_doubtful = not is_set and ((is_open and is_ambiguous) or (not is_open and guess["confidence"] < _SURE))
    return Option(
        name=name,
        label=_LABELS[name],
        choices=[(_DETECTED, detected), *((str(value), text) for value, text in names.items())],
        chosen=str(used) if is_set else _DETECTED,
        note=_describe_trust(guess, is_set=is_set, is_doubtful=is_doubtful),
        needs_attention=is_doubtful,
    )


def _describe_trust(guess: Mapping[str, Any], *, is_set: bool, is_doubtful: bool) -> str:
    if is_set:
        return "Set by you"
    if guess["value"] in (None, AMBIGUOUS):
        return "The dates can be read in two ways: choose one" if is_doubtful else "Nothing in the file says it"
    return "A guess: please check" if is_doubtful else "Detected"
