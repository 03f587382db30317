"""The contract's rules of cells (section 2.5) in plain Python, for ``tests.reference``."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from importsvc.engine.parse.currencies import CURRENCIES


class WrongError(Exception):
    """The message about the whole, or the rest of a message that begins with a column's name."""


class Object(dict[str, Any]):
    """A JSON object that remembers all names it was written with."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.names = [name for name, _ in pairs]

    @property
    def repeated(self) -> list[str]:
        """The names written more than once, each once."""
        return [name for name in self if self.names.count(name) > 1]


def is_surrogate(letter: str) -> bool:
    """Whether it is half of a pair that UTF-16 would need."""
    return 0xD800 <= ord(letter) <= 0xDFFF


def _check_storable(text: str) -> None:
    if "\0" in text:
        raise WrongError("contains a NUL character")
    if any(is_surrogate(letter) for letter in text):
        raise WrongError("contains half of a surrogate pair")


def _text(cell: Any, longest: int = 255) -> str | None:
    if cell is None:
        return None
    if not isinstance(cell, str):
        raise WrongError("must be text")
    text = cell.strip()
    if len(text) > longest:
        raise WrongError(f"is too long (maximum is {longest} characters)")
    _check_storable(text)
    return text if text != "" else None


def _long_text(cell: Any) -> str | None:
    return _text(cell, 65_535)


def _email(cell: Any) -> str | None:
    text = _text(cell, 254)
    if text is None:
        return None
    address = "".join(letter for letter in text if not unicodedata.category(letter).startswith("M"))
    if address.count("@") != 1:
        raise WrongError("is not an email")
    local, domain = address.split("@")
    labels = domain.split(".")
    if (
        len(local) > 64
        or not all(_is_atom(atom) for atom in local.split("."))
        or len(labels) < 2
        or not all(_is_label(label) for label in labels)
        or labels[-1].isdecimal()
    ):
        raise WrongError("is not an email")
    return text


def _is_atom(atom: str) -> bool:
    return atom != "" and all(letter.isalnum() or letter in "_!#$%&'*+/=?^`{|}~-" for letter in atom)


def _is_label(label: str) -> bool:
    if not 1 <= len(label) <= 63:
        return False
    inner_are_good = all(letter.isalnum() or letter in "_-" for letter in label)
    return inner_are_good and label[0].isalnum() and label[-1].isalnum()


def _currency(cell: Any) -> str | None:
    text = _text(cell)
    if text is None:
        return None
    for code in CURRENCIES:
        if text in {a + b + c for a in _cases(code[0]) for b in _cases(code[1]) for c in _cases(code[2])}:
            return code
    raise WrongError("is not a currency code")


def _cases(capital: str) -> tuple[str, str]:
    return capital, chr(ord(capital) + 32)


def _whole_number(cell: Any) -> int | None:
    if isinstance(cell, str) or cell is None:
        text = _text(cell)
        if text is None:
            return None
        digits = text.removeprefix("-")
        if digits == "" or any(letter not in "0123456789" for letter in digits):
            raise WrongError("must be a whole number")
        number = int(text)
    elif isinstance(cell, bool) or not isinstance(cell, int | float) or abs(cell) == float("inf") or cell != int(cell):
        raise WrongError("must be a whole number")
    else:
        number = int(cell)
    if number < 0:
        raise WrongError("must be 0 or more")
    if number > 2**31 - 1:
        raise WrongError("is too large (maximum is 2147483647)")
    return number


def _tags(cell: Any) -> list[str] | None:
    if cell is None:
        return None
    if isinstance(cell, str):
        cell = cell.split(",")
    if not isinstance(cell, list):
        raise WrongError("must be a list of text, or text with commas between")
    tags = []
    for item in cell:
        tag = _text(item)
        if tag is not None:
            tags.append(tag)
    return tags or None


def _object(cell: Any) -> dict[str, Any] | None:
    if cell is None or (isinstance(cell, str) and cell.strip() == ""):
        return None
    if not isinstance(cell, Object):
        raise WrongError("must be an object")
    _check_inside(cell, 1)
    return cell


def _check_inside(value: Any, level: int) -> None:
    if isinstance(value, str):
        _check_storable(value)
    elif isinstance(value, float):
        if abs(value) == float("inf"):
            raise WrongError("contains a number that is too large")
    elif isinstance(value, list):
        if level > 20:
            raise WrongError("is nested too deep (maximum is 20 levels)")
        for member in value:
            _check_inside(member, level + 1)
    elif isinstance(value, Object):
        if level > 20:
            raise WrongError("is nested too deep (maximum is 20 levels)")
        if value.repeated:
            raise WrongError("names a member twice")
        for name in value:
            _check_storable(name)
        for member in value.values():
            _check_inside(member, level + 1)


RULES: Mapping[str, Mapping[str, Callable[[Any], Any]]] = {
    "company": {
        "name": _text,
        "default_currency": _currency,
        "description": _long_text,
        "due_days": _whole_number,
        "tag_list": _tags,
        "invoice_email_recipients": _object,
        "custom_fields": _object,
        "external_id": _text,
    },
    "person": {
        "first_name": _text,
        "last_name": _text,
        "email": _email,
        "title": _text,
        "tag_list": _tags,
        "custom_fields": _object,
        "external_id": _text,
        "company": _text,
    },
}
