"""The errors of import data, as data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

REPORTED_ROW_ERRORS = 1_000


class Code(StrEnum):
    """What a row error is about. Clients may rely on the values; docs/row-errors.md has an example of each."""

    BLANK = "blank"
    NOT_TEXT = "not_text"
    TOO_LONG = "too_long"
    NOT_EMAIL = "not_email"
    NOT_CURRENCY = "not_currency"
    NOT_WHOLE_NUMBER = "not_whole_number"
    NEGATIVE = "negative"
    TOO_LARGE = "too_large"
    NOT_AMOUNT = "not_amount"
    TOO_PRECISE = "too_precise"
    NOT_TAGS = "not_tags"
    NOT_AN_OBJECT = "not_an_object"
    NESTED_TOO_DEEP = "nested_too_deep"
    MEMBER_GIVEN_TWICE = "member_given_twice"
    NUL_CHARACTER = "nul_character"
    HALF_SURROGATE = "half_surrogate"
    UNREADABLE = "unreadable"
    INVALID = "invalid"
    UNKNOWN_COLUMN = "unknown_column"
    GIVEN_TWICE = "given_twice"
    ROW_NOT_AN_OBJECT = "row_not_an_object"
    REPEATED = "repeated"
    TAKEN = "taken"
    AMBIGUOUS = "ambiguous"
    MUST_EXIST = "must_exist"
    REFERS_TO_ERROR = "refers_to_error"


class CellError(ValueError):
    """A cell is not acceptable. The message is the rest of a sentence that starts with the column's label.

    Attributes:
        code: what is wrong, for programs.
    """

    def __init__(self, message: str, code: Code = Code.INVALID) -> None:
        super().__init__(message)
        self.code = code


class PayloadError(ValueError):
    """The import data as a whole is not acceptable, as with an unknown type. The message says where and what."""


class RowError(NamedTuple):
    """An error of a row.

    Attributes:
        row: counts from 1 within the type.
        column: ``None`` for the row as a whole.
        message: a whole sentence.
        code: what is wrong, for programs.
        other_row: the row that this one repeats, or the row with errors that it refers to.
    """

    row: int
    column: str | None
    message: str
    code: Code
    other_row: int | None = None


def label(column: str) -> str:
    """The column's name at the start of a sentence: ``First name`` for ``first_name``."""
    return column.replace("_", " ").capitalize()


class RowErrors:
    """The row errors of an import in the form of the contract (section 1).

    An entry has the messages of one column of one row. The first ``REPORTED_ROW_ERRORS`` entries of each type are kept
    and the others are only counted, so that memory does not grow with the number of errors.

    Attributes:
        entry_count: the number of all entries.
        error_count: the number of all errors.
    """

    def __init__(self) -> None:
        self.entry_count = 0
        self.error_count = 0
        self._entries: dict[str, list[dict[str, Any]]] = {}

    def __bool__(self) -> bool:
        """Whether there are errors."""
        return self.entry_count > 0

    def add(self, type_name: str, errors: Sequence[RowError], *, uncounted: int = 0) -> None:
        """Add the errors of the next rows of a type, in row order, and the number of further ones."""
        entries = self._entries.setdefault(type_name, [])
        row: int | None = None
        messages: dict[str | None, list[str]] = {}
        for error in errors:
            if row != error.row:
                row, messages = error.row, {}
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
        """At most ``REPORTED_ROW_ERRORS`` entries by type, the types in the order in which they were submitted.

        ``{"company": [], "person": [{"row": 1, "column": "first_name", "messages": ["First name can't be blank"]}]}``
        """
        detail: dict[str, list[dict[str, Any]]] = {}
        left = REPORTED_ROW_ERRORS
        for type_name in submitted:
            detail[type_name] = self._entries.get(type_name, [])[:left]
            left -= len(detail[type_name])
        return detail
