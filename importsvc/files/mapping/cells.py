"""Turns the cells of files into JSON values for the kinds of targets."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from importsvc.files.mapping.document import DateOrder, DecimalSign, Formats
from importsvc.files.mapping.targets import Kind
from importsvc.files.reading.tables import Fault, show_cell

Convert = Callable[[Any], Any]

_TRUE_WORDS = "1 da j ja on oui prawda si sim sí tak true vero verdadeiro verdadero vrai wahr x y yes"
_FALSE_WORDS = "0 falsch false falso faux fałsz n nao ne nee nein nej nie no non não off"
_BOOLEANS = {**dict.fromkeys(_TRUE_WORDS.split(), True), **dict.fromkeys(_FALSE_WORDS.split(), False)}
_DATE = re.compile(r"(\d{1,4})([./\s-])\s*(\d{1,2})\2\s*(\d{1,4})\.?(?:[T\s]\s*\d{1,2}:\d{2}.*)?")
_ORDERS: Mapping[DateOrder, str] = {
    "dmy": "day, month, year",
    "mdy": "month, day, year",
    "ymd": "year, month, day",
}
_GROUPING = " \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}'\N{RIGHT SINGLE QUOTATION MARK}"
_PIVOT = 69  # years of two digits: 69 to 99 are of the 20th century (POSIX, strptime)


@dataclass(frozen=True)
class Unreadable:
    """A cell without a value, as it is staged.

    Attributes:
        text: of the cell.
        because: the rest of a sentence that starts with the column's label.
    """

    text: str
    because: str


class JsonNumber(str):
    """The text of a number, to be written as a number of JSON."""

    __slots__ = ()


def get_text(cell: Any) -> Any:
    """The cell as text, trimmed: numbers and dates as people write them without a format.

    ``None`` for a blank cell. Lists and objects stay as they are, ``Unreadable`` too.
    """
    if isinstance(cell, str):
        return cell.strip() or None
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return _write_number(cell)
    if isinstance(cell, datetime) and cell.time() == time():
        return cell.date().isoformat()
    if isinstance(cell, bool | date | time):
        return show_cell(cell)
    return Unreadable(cell.text, cell.because) if isinstance(cell, Fault) else cell


def make_converter(kind: Kind, formats: Formats, *, is_member: bool) -> Convert:
    """A function that takes a cell which is not blank and returns a JSON value, ``JsonNumber`` or ``Unreadable``.

    Args:
        kind: of the target.
        formats: of the file's texts. A date or number of another format is ``Unreadable``.
        is_member: whether the target is a member of an object, which no engine's column reads again.
    """
    if kind == "number":
        return _NumberConverter(formats.decimal_sign, is_member=is_member)
    if kind == "date":
        return _DateConverter(formats.date_order)
    return {"boolean": _get_boolean, "object": _get_object}.get(kind, get_text)


class _NumberConverter:
    """Converts cells to numbers: of JSON for members of objects, otherwise to text that the engine reads."""

    def __init__(self, decimal_sign: DecimalSign | None, *, is_member: bool) -> None:
        self._sign = decimal_sign
        self._make: Callable[[str], str] = _write_json_number if is_member else str
        self._is_member = is_member
        group = re.escape(_GROUPING + {".": ",", ",": "."}.get(decimal_sign or "", ""))
        point = re.escape(decimal_sign or ".")
        self._pattern = re.compile(rf"[+-]?(?:\d+|\d{{1,3}}(?:[{group}]\d{{3}})+)(?:{point}\d*)?", re.ASCII)
        self._groups = str.maketrans("", "", _GROUPING + {".": ",", ",": "."}.get(decimal_sign or "", ""))

    def __call__(self, cell: Any) -> Any:
        if isinstance(cell, bool) or not isinstance(cell, str | int | float):
            text = get_text(cell)
            return Unreadable(text, "is not a number") if isinstance(text, str) else text
        text = get_text(cell)
        if not isinstance(text, str) or not isinstance(cell, str):
            return self._make(text) if isinstance(text, str) else text
        number = _strip_currency(text)
        if self._pattern.fullmatch(number):
            return self._make(number.translate(self._groups).replace(",", ".").rstrip("."))
        if self._sign is None and not self._is_member:
            return text
        expected = f" with '{self._sign}' as the decimal sign" if self._sign else ""
        return Unreadable(text, f"is not a number{expected}")


class _DateConverter:
    """Converts cells to dates in ISO 8601. Dates that start with a year of four digits are read in any order."""

    def __init__(self, order: DateOrder | None) -> None:
        self._order = order

    def __call__(self, cell: Any) -> Any:
        if isinstance(cell, datetime):
            return cell.date().isoformat()
        if isinstance(cell, date):
            return cell.isoformat()
        text = get_text(cell)
        if not isinstance(text, str):
            return text
        found = self._read(text) if isinstance(cell, str) else None
        if found is not None:
            return found.isoformat()
        if self._order is None and isinstance(cell, str) and _DATE.fullmatch(text):
            return Unreadable(text, "is a date, but the order of day, month and year is not set")
        order = f" in the order {_ORDERS[self._order]}" if self._order else ""
        return Unreadable(text, f"is not a date{order}")

    def _read(self, text: str) -> date | None:
        match = _DATE.fullmatch(text)
        if match is None:
            return None
        parts = match.group(1, 3, 4)
        order = "ymd" if len(parts[0]) == 4 else self._order
        if order is None:
            return None
        found = dict(zip(order, parts, strict=True))
        if len(found["y"]) not in (2, 4) or len(found["d"]) > 2:
            return None
        year = int(found["y"])
        if len(found["y"]) == 2:
            year += 1900 if year >= _PIVOT else 2000
        try:
            return date(year, int(found["m"]), int(found["d"]))
        except ValueError:
            return None


def _get_boolean(cell: Any) -> Any:
    if isinstance(cell, bool):
        return cell
    text = get_text(cell)
    if not isinstance(text, str):
        return text
    return _BOOLEANS.get(text.casefold(), Unreadable(text, "is neither true nor false"))


def _get_object(cell: Any) -> Any:
    """The object that a text contains as JSON."""
    text = get_text(cell)
    if not isinstance(text, str):
        return text
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else Unreadable(text, "is not an object of JSON")


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _write_number(number: float) -> Any:
    """The digits of a number without an exponent, and without a fraction that is zero: ``1234`` for 1234.0."""
    if isinstance(number, int):
        return str(number)
    if not math.isfinite(number):
        return Unreadable(str(number), "is not a finite number")
    return str(int(number)) if number.is_integer() else format(Decimal(repr(number)), "f")


def _write_json_number(text: str) -> str:
    try:
        return JsonNumber(format(Decimal(text), "f"))
    except InvalidOperation:  # pragma: no cover - the text has matched the pattern of numbers
        raise AssertionError(text) from None


def _strip_currency(text: str) -> str:
    """The text without a symbol of a currency, before or after the number."""
    if text.isascii() and "$" not in text:
        return text
    first, last = unicodedata.category(text[0]) == "Sc", unicodedata.category(text[-1]) == "Sc"
    if text[0] in "+-" and len(text) > 1 and unicodedata.category(text[1]) == "Sc":
        return text[0] + text[2:].strip()
    return text[first : len(text) - last].strip() if first != last else text
