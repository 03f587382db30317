"""What the values of a column look like: their kind, the order of dates, the decimal sign. Pure: no Django."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, time

from importsvc.engine.parse.currencies import CURRENCIES
from importsvc.files.reading.detection import AMBIGUOUS, DMY, MDY, YMD, DetectedColumn, Guess
from importsvc.files.reading.tables import Cell, Fault, is_blank, show_cell

SAMPLES = 5

# The share of values that must have a kind for the column to have it.
_NEARLY_ALL = 0.9

_DATE = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?:[ T,].*)?")
_ISO_DATE = re.compile(r"\d{4}([-/.])(\d{1,2})\1(\d{1,2})(?:[ T].*)?")
_INTEGER = re.compile(r"[+-]?(?:0|[1-9]\d{0,17})")
# A number with a fraction or groups of three digits, and perhaps the sign of a currency or percent.
_NUMBER = re.compile(
    r"[+-]?(?:[€$£¥]\s?)?[+-]?((?:\d{1,3}(?:[.,'’\s]\d{3})+|\d+)(?:[.,]\d+)?)(?:\s?[€$£¥%])?", re.UNICODE
)
_SIGNS = re.compile(r"[.,]")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_PHONE = re.compile(r"(?:\+|0|\()[\d\s()./-]{5,}(?:\s?(?:x|ext\.?)\s?\d+)?|\d{2,4}(?:[\s-]\d{2,}){2,}", re.IGNORECASE)
_BOOLEANS = {"true", "false", "yes", "no", "ja", "nein", "oui", "non", "si", "sí", "wahr", "falsch", "da", "ne"}


def find_kind(cell: Cell) -> str:
    """The kind of a cell that is not blank."""
    match cell:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case date():
            return "date"
        case time() | Fault():
            return "text"
    return _find_kind_of_text(str(cell).strip())


def describe_columns(headers: Sequence[str], rows: Sequence[Sequence[Cell]]) -> list[DetectedColumn]:
    """Every column with what its sampled values look like."""
    return [
        _describe_column(at, header, [row[at] for row in rows if at < len(row)], len(rows))
        for at, header in enumerate(headers)
    ]


def guess_date_order(columns: Iterable[DetectedColumn]) -> tuple[str | None, float]:
    """The order of the dates of a file, and the confidence. ``None`` if nothing decides, or columns contradict."""
    orders = Counter(column.date_order for column in columns if column.date_order)
    found = [order for order in (DMY, MDY) if orders[order]]
    if len(found) == 1:
        return found[0], 0.7 if orders[AMBIGUOUS] else 0.95
    return (YMD, 0.95) if orders[YMD] and not found and not orders[AMBIGUOUS] else (None, 0.0)


def guess_decimal_sign(columns: Sequence[DetectedColumn], rows: Sequence[Sequence[Cell]]) -> tuple[str | None, float]:
    """The decimal sign of the numbers in text cells, and the confidence. ``None`` if nothing decides."""
    positions = [column.position - 1 for column in columns if column.kind == "number"]
    texts = (cell for row in rows for at in positions if at < len(row) and isinstance(cell := row[at], str))
    votes = Counter(sign for text in texts if (sign := _find_decimal_sign(text)))
    if not votes:
        return None, 0.0
    sign, count = votes.most_common(1)[0]
    return sign, round(min(0.95, count / votes.total()), 2)


def make_guess(found: tuple[object, float], override: object = None) -> Guess:
    """A guess with the value that is used."""
    value, confidence = found
    return Guess(value, confidence, value if override is None else override)


def _describe_column(at: int, header: str, cells: Sequence[Cell], row_count: int) -> DetectedColumn:
    values = [cell for cell in cells if not is_blank(cell)]
    kind = _find_common_kind([find_kind(cell) for cell in values])
    order = None
    if kind == "date":
        texts = [cell for cell in values if isinstance(cell, str)]
        order = _find_date_order(texts) if texts else None
        kind = "text" if order == "mixed" else kind
    return DetectedColumn(
        position=at + 1,
        header=header,
        samples=[show_cell(value) for value in values[:SAMPLES]],
        fill_rate=round(len(values) / row_count, 4) if row_count else 0.0,
        kind=kind,
        date_order=None if order == "mixed" else order,
        distinct_rate=round(len(set(map(show_cell, values))) / len(values), 4) if values else None,
    )


def _find_common_kind(kinds: Sequence[str]) -> str:
    counts = Counter(kinds)
    if not counts:
        return "empty"
    kind, count = counts.most_common(1)[0]
    if kind in ("integer", "number") and counts["integer"] + counts["number"] >= _NEARLY_ALL * len(kinds):
        return "number" if counts["number"] else "integer"
    # Numbers of phones without any sign look like integers.
    if (
        kind in ("phone", "integer")
        and counts["phone"]
        and counts["phone"] + counts["integer"] >= _NEARLY_ALL * len(kinds)
    ):
        return "phone"
    return kind if count >= _NEARLY_ALL * len(kinds) else "text"


def _find_kind_of_text(text: str) -> str:
    if _is_date(text):
        return "date"
    if _INTEGER.fullmatch(text):
        return "integer"
    # Codes with leading zeros are no numbers: they would lose them.
    if (number := _NUMBER.fullmatch(text)) and not re.match(r"0\d", number[1]):
        return "number"
    if _EMAIL.fullmatch(text):
        return "email"
    if _URL.fullmatch(text):
        return "url"
    if _PHONE.fullmatch(text) and 7 <= sum(map(str.isdigit, text)) <= 15:
        return "phone"
    if text in CURRENCIES:
        return "currency"
    return "boolean" if text.lower() in _BOOLEANS else "text"


def _is_date(text: str) -> bool:
    if match := _ISO_DATE.fullmatch(text):
        return 1 <= int(match[2]) <= 12 and 1 <= int(match[3]) <= 31
    if match := _DATE.fullmatch(text):
        first, second = int(match[1]), int(match[3])
        return min(first, second) >= 1 and min(first, second) <= 12 and max(first, second) <= 31
    return False


def _find_date_order(texts: Iterable[str]) -> str:
    """The order that all dates fit; ``mixed`` if there is none."""
    orders = {DMY, MDY, YMD}
    for text in texts:
        stripped = text.strip()
        if match := _DATE.fullmatch(stripped):
            orders &= {DMY, MDY}
            orders -= {MDY} if int(match[1]) > 12 else {DMY} if int(match[3]) > 12 else set()
        elif _ISO_DATE.fullmatch(stripped):
            orders &= {YMD}
    return orders.pop() if len(orders) == 1 else AMBIGUOUS if orders else "mixed"


def _find_decimal_sign(text: str) -> str | None:
    """The decimal sign of a number, if it is certain: ``1,234`` may have either."""
    signs = _SIGNS.findall(text)
    if not signs:
        return None
    if len(set(signs)) == 2:
        return str(signs[-1])
    sign, other = signs[0], "," if signs[0] == "." else "."
    if len(signs) > 1:
        return other
    before, after = (re.sub(r"\D", "", part) for part in text.split(sign))
    return sign if len(after) != 3 or len(before) > 3 or before in ("", "0") else None
