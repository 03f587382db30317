"""What can be wrong with import data, as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

REPORTED_ROW_ERRORS = 1_000


class CellError(ValueError):
    """A cell is not acceptable. The message continues a sentence that starts with the column's label."""


class PayloadError(ValueError):
    """The import data as a whole is not acceptable: not JSON, an unknown type… The message says where and what."""


class RowError(NamedTuple):
    """One thing wrong in one row. ``row`` counts from 1 within its type; ``column`` is null for the row as a whole."""

    row: int
    column: str | None
    message: str


def label(column: str) -> str:
    """The column's name as it starts a sentence: ``first_name`` is ``First name``."""
    return column.replace("_", " ").capitalize()


def describe_row_errors(errors: Mapping[str, Iterable[RowError]]) -> tuple[dict[str, list[dict[str, Any]]], int]:
    """Row errors in the form of the contract (section 1), at most ``REPORTED_ROW_ERRORS`` of them, and their number.

    Takes the errors of each type submitted, in row order. One entry gathers the messages of one column of one row:
    ``{"company": [], "person": [{"row": 1, "column": "first_name", "messages": ["First name can't be blank"]}]}``.
    """
    detail: dict[str, list[dict[str, Any]]] = {}
    count = 0
    for type_name, type_errors in errors.items():
        entries = detail[type_name] = []
        here: int | None = None
        messages: dict[str | None, list[str]] = {}
        for error in type_errors:
            if here != error.row:
                here, messages = error.row, {}
            if error.column in messages:
                messages[error.column].append(error.message)
                continue
            messages[error.column] = [error.message]
            count += 1
            if count <= REPORTED_ROW_ERRORS:
                entries.append({"row": error.row, "column": error.column, "messages": messages[error.column]})
    return detail, count
