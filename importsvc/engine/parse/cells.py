"""Functions that turn a cell into a clean value, or raise a ``CellError``. Pure: no Django, no database.

Each function takes any JSON value and returns the value to store; ``None`` means that the cell is blank, which is the
same as missing (contract, section 2.5).
"""

from __future__ import annotations

import functools
import math
import re
import unicodedata
from collections.abc import Callable
from datetime import date as Date  # noqa: N812 - ``date`` makes cleaners here
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from importsvc.engine.errors import CellError, Code
from importsvc.engine.parse.currencies import CURRENCIES
from importsvc.text.display import printable
from importsvc.text.strict_json import AmbiguousObject

TEXT_LENGTH = 255
LONG_TEXT_LENGTH = 65_535
LARGEST_INTEGER = 2_147_483_647  # PostgreSQL's integer
NESTING = 20

# The syntax of addresses in use: dot-atoms (RFC 5322, section 3.4.1) with the letters of all alphabets (RFC 6531,
# section 3.3), and a domain of at least two labels of at most 63 characters (RFC 1035, section 2.3.4). Comments, quoted
# local parts and address literals are refused: in a list of contacts they are typing errors.
EMAIL = re.compile(
    r"""
    (?=[^@]{1,64}@)
    [\w!\#$%&'*+/=?^`{|}~-]+ (?: \. [\w!\#$%&'*+/=?^`{|}~-]+ )*
    @
    (?: [^\W_] (?: [\w-]{0,61} [^\W_] )? \. )+
    (?! \d+ \Z ) [^\W_] (?: [\w-]{0,61} [^\W_] )?
    """,
    re.VERBOSE,
)
EMAIL_LENGTH = 254  # RFC 5321, section 4.5.3.1.3, less the angle brackets
# The members of an object in place of a cell that its file has, but that has no value: its text there, and why.
UNREADABLE = "$unreadable"
BECAUSE = "because"

_WHOLE_NUMBER = re.compile(r"-?[0-9]+")
_PHONE = re.compile(r"\+?[\d\s()./\u2010-\u2015-]+")

DateOrder = Literal["ymd", "dmy", "mdy"]
_ISO_DATE = re.compile(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})")
_DATES: dict[DateOrder, tuple[re.Pattern[str], str]] = {
    "ymd": (re.compile(r"(?P<year>[0-9]{4})([-./])(?P<month>[0-9]{1,2})\2(?P<day>[0-9]{1,2})"), "2026-11-30"),
    "dmy": (re.compile(r"(?P<day>[0-9]{1,2})([-./])(?P<month>[0-9]{1,2})\2(?P<year>[0-9]{4})"), "30.11.2026"),
    "mdy": (re.compile(r"(?P<month>[0-9]{1,2})([-./])(?P<day>[0-9]{1,2})\2(?P<year>[0-9]{4})"), "11/30/2026"),
}


def text(value: object) -> str | None:
    """Text of at most 255 characters, trimmed."""
    return _text(value, TEXT_LENGTH)


def long_text(value: object) -> str | None:
    """Text of at most 65,535 characters, trimmed."""
    return _text(value, LONG_TEXT_LENGTH)


def email(value: object) -> str | None:
    """An e-mail address; its case is kept."""
    address = _text(value, EMAIL_LENGTH)
    if address is not None and not EMAIL.fullmatch(address if address.isascii() else _without_marks(address)):
        raise CellError("is not an email", Code.NOT_EMAIL)
    return address


def currency(value: object) -> str | None:
    """An ISO 4217 code, in upper case; lower case is accepted."""
    code = _text(value, TEXT_LENGTH)
    if code is None:
        return None
    # upper() turns the long s and the dotless i into ASCII letters.
    if not code.isascii() or code.upper() not in CURRENCIES:
        raise CellError("is not a currency code", Code.NOT_CURRENCY)
    return code.upper()


def whole_number(value: object) -> int | None:
    """A whole number from 0 to 2,147,483,647: a JSON number, or text of digits."""
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int:
        if not isinstance(value, str | None):
            raise CellError("must be a whole number", Code.NOT_WHOLE_NUMBER)
        written = _text(value, TEXT_LENGTH)
        if written is None:
            return None
        if not _WHOLE_NUMBER.fullmatch(written):
            raise CellError("must be a whole number", Code.NOT_WHOLE_NUMBER)
        value = int(written)
    if value < 0:
        raise CellError("must be 0 or more", Code.NEGATIVE)
    if value > LARGEST_INTEGER:
        raise CellError(f"is too large (maximum is {LARGEST_INTEGER})", Code.TOO_LARGE)
    return value


def money(value: object) -> Decimal | None:
    """An amount of at most 12 digits before and 2 after the point: a JSON number, or text such as ``1234.50``."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | None):
        raise CellError("must be an amount", Code.NOT_AMOUNT)
    written = _text(value if isinstance(value, str | None) else str(value), TEXT_LENGTH)
    if written is None:
        return None
    try:
        amount = Decimal(written)
    except InvalidOperation:
        raise CellError("must be an amount", Code.NOT_AMOUNT) from None
    if not amount.is_finite() or not written.isascii() or "_" in written:
        raise CellError("must be an amount", Code.NOT_AMOUNT)
    if abs(amount) >= 10**12 or amount != round(amount, 2):
        raise CellError("must have at most 12 digits before and 2 after the point", Code.TOO_PRECISE)
    return round(amount, 2)


@functools.cache
def phone(region: str | None = None) -> Callable[[object], str | None]:
    """``clean_phone`` for numbers of a region: an ISO 3166 code such as ``DE``, or ``None``.

    Raises:
        ValueError: there is no such region.
    """
    # Here, because most processes need no phone numbers: the metadata takes 60 ms.
    from phonenumbers import SUPPORTED_REGIONS

    if region is not None and region not in SUPPORTED_REGIONS:
        raise ValueError(f"'{region}' is no region of phone numbers")
    return functools.partial(clean_phone, region=region)


def clean_phone(value: object, *, region: str | None) -> str | None:
    """A phone number, in E.164: ``+4930901820``.

    A number without ``+`` and a country calling code is of ``region``; without a region it is refused. So are numbers
    that are not in use according to the metadata of libphonenumber, and extensions, for which E.164 has no place.
    """
    import phonenumbers

    written = _text(value, TEXT_LENGTH)
    if written is None:
        return None
    if region is None and not written.startswith("+"):
        raise CellError("must start with + and the country calling code")
    try:
        number = phonenumbers.parse(" ".join(written.split()), region)
    except phonenumbers.NumberParseException:
        raise CellError("is not a phone number") from None
    if number.extension:
        raise CellError("has an extension")
    # ``parse`` also takes letters for digits, and leaves out what surrounds a number.
    if not _PHONE.fullmatch(written) or not phonenumbers.is_valid_number(number):
        raise CellError("is not a phone number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@functools.cache
def date(order: DateOrder = "ymd") -> Callable[[object], Date | None]:
    """``clean_date`` for this order of day, month and year."""
    return functools.partial(clean_date, order=order)


def clean_date(value: object, *, order: DateOrder) -> Date | None:
    """A date: as in ISO 8601 (``2026-11-30``), or in this order, as ``30.11.2026``, ``30/11/2026`` or ``30-11-2026``.

    The year has four digits.
    """
    written = _text(value, TEXT_LENGTH)
    if written is None:
        return None
    pattern, example = _DATES[order]
    found = _ISO_DATE.fullmatch(written) or pattern.fullmatch(written)
    if found is None:
        expected = "2026-11-30" if order == "ymd" else f"2026-11-30 or {example}"
        raise CellError(f"must be a date such as {expected}")
    try:
        return Date(int(found["year"]), int(found["month"]), int(found["day"]))
    except ValueError:
        read_as = ", ".join(found.groupdict())
        raise CellError(f"is not a day of the calendar, read as {read_as}") from None


def tags(value: object) -> list[str] | None:
    """A list of texts, or a text with commas between; each is trimmed, and blank ones are left out."""
    if isinstance(value, str):
        value = value.split(",")
    if value is None:
        return None
    if not isinstance(value, list):
        raise CellError("must be a list of text, or text with commas between", Code.NOT_TAGS)
    return [tag for item in value if (tag := _text(item, TEXT_LENGTH)) is not None] or None


def json_object(value: object) -> dict[str, Any] | None:
    """A JSON object, at most 20 levels deep."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, dict):
        raise CellError("must be an object", Code.NOT_AN_OBJECT)
    _check_json(value, NESTING)
    return value


def is_unreadable(value: object) -> bool:
    """Whether this stands for a cell without a value: ``{"$unreadable": "#N/A", "because": "is the error #N/A"}``."""
    return (
        isinstance(value, dict)
        and value.keys() == {UNREADABLE, BECAUSE}
        and all(isinstance(member, str) for member in value.values())
    )


def check_readable(value: object) -> None:
    """Refuse what stands for a cell without a value; its ``because`` is the message."""
    if is_unreadable(value):
        raise CellError(printable(value[BECAUSE]), Code.UNREADABLE)  # type: ignore[index]  # is an object


def _text(value: object, length: int) -> str | None:
    if type(value) is not str:
        if value is None:
            return None
        raise CellError("must be text", Code.NOT_TEXT)
    trimmed = value.strip()
    if len(trimmed) > length:
        raise CellError(f"is too long (maximum is {length} characters)", Code.TOO_LONG)
    if not trimmed.isprintable():
        _check_storable(trimmed)
    return trimmed or None


def _without_marks(written: str) -> str:
    """The text without combining marks, which many alphabets need and ``\\w`` does not match."""
    return "".join(letter for letter in written if not unicodedata.category(letter).startswith("M"))


def _check_storable(written: str) -> None:
    """Refuse the two kinds of characters that JSON allows and PostgreSQL cannot store.

    Neither is printable in Python's sense, so printable text needs no check.
    """
    if "\x00" in written:
        raise CellError("contains a NUL character", Code.NUL_CHARACTER)
    try:
        written.encode()
    except UnicodeEncodeError:
        raise CellError("contains half of a surrogate pair", Code.HALF_SURROGATE) from None


def _check_json(value: object, levels: int) -> None:
    if isinstance(value, str):
        _check_storable(value)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise CellError("contains a number that is too large", Code.TOO_LARGE)
    elif isinstance(value, dict | list):
        if levels == 0:
            raise CellError(f"is nested too deep (maximum is {NESTING} levels)", Code.NESTED_TOO_DEEP)
        if isinstance(value, AmbiguousObject):
            raise CellError("names a member twice", Code.MEMBER_GIVEN_TWICE)
        if isinstance(value, dict):
            for key, member in value.items():
                _check_storable(key)
                if is_unreadable(member):
                    because = printable(member[BECAUSE])
                    raise CellError(f"has '{printable(key)}', which {because}", Code.UNREADABLE)
        for member in value.values() if isinstance(value, dict) else value:
            _check_json(member, levels - 1)
