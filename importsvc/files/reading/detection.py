"""What was found in a file: guesses with their confidence, sheets, columns. Pure: no Django, no database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from importsvc.files.reading.tables import ReadOptions

# Values of ``DetectedColumn.kind``.
KINDS = ("text", "integer", "number", "date", "boolean", "email", "phone", "url", "currency", "empty")
# Values of ``DetectedColumn.date_order``. A column whose dates fit both dmy and mdy is ambiguous.
DMY, MDY, YMD, AMBIGUOUS = "dmy", "mdy", "ymd", "ambiguous"


@dataclass(frozen=True)
class Guess:
    """One property of a file.

    Attributes:
        value: what was detected; ``None`` if the format has no such property, or nothing speaks for a value.
        confidence: of ``value``, from 0 to 1.
        used: what is read with: the caller's value, otherwise ``value``.
    """

    value: Any
    confidence: float
    used: Any


@dataclass(frozen=True)
class DetectedSheet:
    """A sheet of a workbook, or an array in a JSON object.

    Attributes:
        row_count: the number of the last row that has a value, so the header counts. In JSON the number of items.
        hidden_row_count: how many of these rows are hidden. They are read like the others.
        trailing_blank_row_count: rows after these that the file has without a value. They are dropped.
    """

    name: str
    row_count: int
    hidden_row_count: int = 0
    trailing_blank_row_count: int = 0


@dataclass(frozen=True)
class DetectedColumn:
    """A column.

    Attributes:
        position: counted from 1.
        header: as of ``Table.headers``.
        samples: the first five values that are not blank, as text.
        fill_rate: the share of sampled rows that have a value here, from 0 to 1.
        kind: one of ``KINDS``: what nearly all sampled values look like.
        date_order: of a column of kind ``date``; of others ``None``.
        distinct_rate: the number of different sampled values divided by that of all that are not blank, from 0 to 1;
            ``None`` without any.
    """

    position: int
    header: str
    samples: Sequence[str]
    fill_rate: float
    kind: str
    date_order: str | None = None
    distinct_rate: float | None = None


@dataclass(frozen=True)
class Detection:
    """What was found in a file.

    Attributes:
        sheets: empty if the format has none.
        line_count: physical lines of text; ``None`` of workbooks.
        columns: of the sheet that is used.
        sampled_row_count: the rows that columns were judged by.
    """

    format: Guess
    encoding: Guess
    separator: Guess
    quote: Guess
    decimal_sign: Guess
    date_order: Guess
    header_row: Guess
    sheet: Guess
    sheets: Sequence[DetectedSheet]
    line_count: int | None
    columns: Sequence[DetectedColumn]
    sampled_row_count: int

    def options(self) -> ReadOptions:
        """The options that the file is read with."""
        return ReadOptions(
            format=self.format.used,
            encoding=self.encoding.used,
            separator=self.separator.used,
            quote=self.quote.used,
            header_row=self.header_row.used,
            sheet=self.sheet.used,
            decimal_sign=self.decimal_sign.used,
            date_order=self.date_order.used,
        )
