"""What can be wrong with import data, as data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


class RowErrors:
    """The row errors of a payload in the form of the contract (section 1).

    The first ``REPORTED_ROW_ERRORS`` entries of each type are kept and the rest is counted, so that memory does not
    grow with what is wrong. An entry gathers the messages of one column of one row.

    Attributes:
        entry_count: how many entries there are in all.
        error_count: how many errors there are in all.
    """

    def __init__(self) -> None:
        self.entry_count = 0
        self.error_count = 0
        self._entries: dict[str, list[dict[str, Any]]] = {}

    def __bool__(self) -> bool:
        """Whether anything is wrong."""
        return self.entry_count > 0

    def add(self, type_name: str, errors: Sequence[RowError], *, uncounted: int = 0) -> None:
        """Errors of the next rows of a type, in row order, and how many more of them there are."""
        entries = self._entries.setdefault(type_name, [])
        here: int | None = None
        messages: dict[str | None, list[str]] = {}
        for error in errors:
            if here != error.row:
                here, messages = error.row, {}
            if error.column in messages:
                messages[error.column].append(error.message)
                continue
            messages[error.column] = [error.message]
            self.entry_count += 1
            if len(entries) < REPORTED_ROW_ERRORS:
                entries.append({"row": error.row, "column": error.column, "messages": messages[error.column]})
        self.entry_count += uncounted
        self.error_count += len(errors) + uncounted

    def describe(self, submitted: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
        """At most ``REPORTED_ROW_ERRORS`` entries, for each of the types in the order in which they were submitted.

        ``{"company": [], "person": [{"row": 1, "column": "first_name", "messages": ["First name can't be blank"]}]}``
        """
        detail: dict[str, list[dict[str, Any]]] = {}
        left = REPORTED_ROW_ERRORS
        for type_name in submitted:
            detail[type_name] = self._entries.get(type_name, [])[:left]
            left -= len(detail[type_name])
        return detail
