"""A cell becomes a clean value or a problem (contract, section 2.5)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date as Date  # noqa: N812
from decimal import Decimal
from typing import Any

import pytest

from importsvc.engine.errors import CellError
from importsvc.engine.parse.cells import (
    currency,
    date,
    email,
    json_object,
    long_text,
    money,
    phone,
    tags,
    text,
    whole_number,
)
from importsvc.text.strict_json import read_json

Clean = Callable[[object], Any]

TEXTS: list[Clean] = [text, long_text, email, currency, whole_number, money, phone("DE"), date("dmy")]
CLEANERS: list[Clean] = [*TEXTS, tags, json_object]

# 255 of each are 255 characters, whatever their number of bytes or UTF-16 units.
LETTERS = ["a", "É", "字", "😀", "\u0301"]


def problem(clean: Clean, value: object) -> str:
    with pytest.raises(CellError) as caught:
        clean(value)
    return str(caught.value)


def nest(levels: int) -> dict[str, Any]:
    return {"a": nest(levels - 1)} if levels > 1 else {}


@pytest.mark.parametrize("blank", [None, "", " ", "\t\r\n", "\u00a0\u2003\u3000"])
@pytest.mark.parametrize("clean", CLEANERS)
def test_a_blank_cell_is_a_missing_value(clean: Clean, blank: object) -> None:
    assert clean(blank) is None


@pytest.mark.parametrize(
    ("clean", "given", "stored"),
    [
        (text, "  Ada  ", "Ada"),
        (text, "\tAda\u00a0\n", "Ada"),
        (text, "two  words", "two  words"),
        (text, "a\tb\nc\r\\N", "a\tb\nc\r\\N"),
        (text, '"', '"'),
        (text, "\u200b", "\u200b"),
        (long_text, " a\n\nb ", "a\n\nb"),
        (email, " Ada.Lovelace@ACME.test ", "Ada.Lovelace@ACME.test"),
        (currency, " eur ", "EUR"),
        (currency, "Usd", "USD"),
        (whole_number, 0, 0),
        (whole_number, 2_147_483_647, 2_147_483_647),
        (whole_number, 30.0, 30),
        (whole_number, -0.0, 0),
        (whole_number, " 007 ", 7),
        (money, 0, Decimal("0.00")),
        (money, 1234.5, Decimal("1234.50")),
        (money, " -1234.5 ", Decimal("-1234.50")),
        (money, "999999999999.99", Decimal("999999999999.99")),
        (money, "1e3", Decimal("1000.00")),
        (money, "0.10000", Decimal("0.10")),
        (tags, "a, b ,,c,", ["a", "b", "c"]),
        (tags, [" a ", None, "", "b,c", "a"], ["a", "b,c", "a"]),
        (json_object, {}, {}),
        (json_object, {"a": [1, None, True, {"b": "c"}]}, {"a": [1, None, True, {"b": "c"}]}),
    ],
)
def test_an_accepted_cell_becomes_the_stored_value(clean: Clean, given: object, stored: object) -> None:
    cleaned = clean(given)

    assert cleaned == stored
    assert type(cleaned) is type(stored)
    assert str(cleaned) == str(stored)


@pytest.mark.parametrize("value", [1, 0, 1.5, True, False, [], ["a"], {}, {"a": "b"}])
@pytest.mark.parametrize("clean", [text, long_text, email, currency, phone(), date()])
def test_a_cell_that_is_not_text_is_refused_in_a_text_column(clean: Clean, value: object) -> None:
    assert problem(clean, value) == "must be text"


@pytest.mark.parametrize("letter", LETTERS)
@pytest.mark.parametrize(
    ("clean", "longest"), [(text, 255), (long_text, 65_535), (lambda value: tags([value]), 255), (tags, 255)]
)
def test_length_is_counted_in_characters_after_trimming(clean: Clean, longest: int, letter: str) -> None:
    assert clean(f"  {letter * longest}  ") in (letter * longest, [letter * longest])
    assert problem(clean, letter * (longest + 1)) == f"is too long (maximum is {longest} characters)"


def test_an_address_has_at_most_254_characters() -> None:
    domain = ".".join(["d" * 60] * 3)

    assert len(email(f"{'a' * 64}@{domain}.{'d' * 6}") or "") == 254
    assert problem(email, f"{'a' * 64}@{domain}.{'d' * 7}") == "is too long (maximum is 254 characters)"


@pytest.mark.parametrize("clean", [*TEXTS, tags, lambda value: tags([value]), lambda value: json_object({"a": value})])
@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("a\x00b", "contains a NUL character"),
        ("\x00", "contains a NUL character"),
        ("\ud800", "contains half of a surrogate pair"),
        ("a\udfff", "contains half of a surrogate pair"),
        ("\udc00\ud800", "contains half of a surrogate pair"),
    ],
)
def test_characters_that_cannot_be_stored_are_refused(clean: Clean, written: str, why: str) -> None:
    assert problem(clean, written) == why


@pytest.mark.parametrize(
    "address",
    [
        "a@b.co",
        "o'hara+lists.2024@mail.example.com",
        "!#$%&'*+/=?^_`{|}~-@example.com",
        "名前@例え.テスト",
        "संपर्क@डाटामेल.भारत",
        "jose\u0301@correo.es",
        "STRASSE@straße.de",
        "a@xn--e1afmkfd.xn--p1ai",
        "a@1.2.com",
        f"{'a' * 64}@{'b' * 63}.com",
    ],
)
def test_common_email_addresses_are_accepted(address: str) -> None:
    assert email(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "ada",
        "@acme.test",
        "ada@",
        "ada@acme",
        "ada@@acme.test",
        "ada@acme@test.de",
        "ada@acme..test",
        "ada@.acme.test",
        "ada@acme.test.",
        ".ada@acme.test",
        "ada.@acme.test",
        "a..b@acme.test",
        "ada lovelace@acme.test",
        "ada@acme .test",
        "ada@acme.test\nb@acme.test",
        "a@b.co, c@d.co",
        "<ada@acme.test>",
        "Ada <ada@acme.test>",
        '"a b"@acme.test',
        "ada@[127.0.0.1]",
        "ada@127.0.0.1",
        "ada@-acme.test",
        "ada@acme-.test",
        "ada@acme_.test",
        "ada\u200b@acme.test",
        f"{'a' * 65}@acme.test",
        f"ada@{'b' * 64}.com",
        "ada＠acme.test",
    ],
)
def test_mistyped_email_addresses_are_refused(address: str) -> None:
    assert problem(email, address) == "is not an email"


@pytest.mark.parametrize("code", ["EU", "EURO", "XXX", "€", "U S D", "ＵＳＤ", "uſd", "ınr"])
def test_a_currency_is_an_iso_4217_code(code: str) -> None:
    assert problem(currency, code) == "is not a currency code"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (-1, "must be 0 or more"),
        (-1.0, "must be 0 or more"),
        ("-1", "must be 0 or more"),
        (2_147_483_648, "is too large (maximum is 2147483647)"),
        ("2147483648", "is too large (maximum is 2147483647)"),
        (1e300, "is too large (maximum is 2147483647)"),
        ("9" * 255, "is too large (maximum is 2147483647)"),
        ("9" * 256, "is too long (maximum is 255 characters)"),
        (1.5, "must be a whole number"),
        (float("inf"), "must be a whole number"),
        ("1.5", "must be a whole number"),
        ("1e3", "must be a whole number"),
        ("1_000", "must be a whole number"),
        ("1,000", "must be a whole number"),
        ("٣", "must be a whole number"),
        ("²", "must be a whole number"),
        ("soon", "must be a whole number"),
        (True, "must be a whole number"),
        ([], "must be a whole number"),
        ({}, "must be a whole number"),
    ],
)
def test_a_whole_number_fits_postgresql_and_is_not_negative(value: object, why: str) -> None:
    assert problem(whole_number, value) == why


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("12,50", "must be an amount"),
        ("$12", "must be an amount"),
        ("1_000", "must be an amount"),
        ("٣", "must be an amount"),
        ("NaN", "must be an amount"),
        ("sNaN", "must be an amount"),
        ("Infinity", "must be an amount"),
        (float("inf"), "must be an amount"),
        (True, "must be an amount"),
        ([], "must be an amount"),
        (0.001, "must have at most 12 digits before and 2 after the point"),
        ("1e-999999", "must have at most 12 digits before and 2 after the point"),
        ("1000000000000", "must have at most 12 digits before and 2 after the point"),
        ("-1e999999", "must have at most 12 digits before and 2 after the point"),
        (10**300, "is too long (maximum is 255 characters)"),
    ],
)
def test_an_amount_has_at_most_twelve_digits_and_two_decimals(value: object, why: str) -> None:
    assert problem(money, value) == why


@pytest.mark.parametrize(
    ("clean", "value", "why"),
    [
        (tags, 1, "must be a list of text, or text with commas between"),
        (tags, {"a": "b"}, "must be a list of text, or text with commas between"),
        (tags, ["a", 1], "must be text"),
        (tags, [["a"]], "must be text"),
        (json_object, "{}", "must be an object"),
        (json_object, [], "must be an object"),
        (json_object, 0, "must be an object"),
        (json_object, False, "must be an object"),
        (json_object, {"a": [float("inf")]}, "contains a number that is too large"),
        (json_object, {"a\x00": 1}, "contains a NUL character"),
        (json_object, {"a": [{"\ud800": 1}]}, "contains half of a surrogate pair"),
        (json_object, nest(21), "is nested too deep (maximum is 20 levels)"),
        (json_object, read_json('{"a": 1, "a": 2}'), "names a member twice"),
        (json_object, read_json('{"b": [{"a": 1, "a": 1}]}'), "names a member twice"),
    ],
)
def test_values_inside_lists_and_objects_are_checked(clean: Clean, value: object, why: str) -> None:
    assert problem(clean, value) == why


def test_an_object_may_be_twenty_levels_deep() -> None:
    assert json_object(nest(20)) == nest(20)


@pytest.mark.parametrize(
    ("region", "written", "stored"),
    [
        (None, "+49 30 901820", "+4930901820"),
        (None, " +49 (0)30/9018-20 ", "+4930901820"),
        ("US", "+49 30 901820", "+4930901820"),
        ("DE", "030 901820", "+4930901820"),
        ("DE", "0049 30 901820", "+4930901820"),
        ("DE", "030.90.18.20", "+4930901820"),
        ("US", "(212) 736-5000", "+12127365000"),
        ("US", "011 49 30 901820", "+4930901820"),
        ("IT", "02 1234 5678", "+390212345678"),  # a zero that belongs to the number
        ("FR", "01\u00a042\u202f68 53\u201100", "+33142685300"),
    ],
)
def test_a_phone_number_is_stored_in_e164(region: str | None, written: str, stored: str) -> None:
    assert phone(region)(written) == stored
    assert phone("GB")(stored) == stored


@pytest.mark.parametrize(
    ("region", "written", "why"),
    [
        (None, "030 901820", "must start with + and the country calling code"),
        (None, "none", "must start with + and the country calling code"),
        ("DE", "none", "is not a phone number"),
        ("DE", "+", "is not a phone number"),
        ("DE", "+999 30 901820", "is not a phone number"),
        ("DE", "++49 30 901820", "is not a phone number"),
        ("DE", "12", "is not a phone number"),
        ("DE", "030 901820 mobile", "is not a phone number"),
        ("DE", "030 901820 or 040 1234567", "is not a phone number"),
        ("DE", "030 901820 / 040 1234567", "is not a phone number"),
        ("US", "1-800-FLOWERS", "is not a phone number"),
        ("US", "+1 555 555 5555", "is not a phone number"),
        ("US", "212 736 5000 ext. 12", "has an extension"),
        ("US", "212 736 5000 x12", "has an extension"),
        ("US", "9" * 255, "is not a phone number"),
    ],
)
def test_what_is_not_one_phone_number_is_refused(region: str | None, written: str, why: str) -> None:
    assert problem(phone(region), written) == why


def test_a_region_of_phone_numbers_is_an_iso_3166_code() -> None:
    with pytest.raises(ValueError, match="'49' is no region of phone numbers"):
        phone("49")


@pytest.mark.parametrize("clean", [date(), date("ymd"), date("dmy"), date("mdy")])
def test_a_date_may_be_written_as_in_iso_8601_in_any_order(clean: Clean) -> None:
    assert clean(" 2026-02-01 ") == Date(2026, 2, 1)


@pytest.mark.parametrize(
    ("order", "written", "stored"),
    [
        ("dmy", "1.2.2026", Date(2026, 2, 1)),
        ("dmy", "01/02/2026", Date(2026, 2, 1)),
        ("dmy", "1-2-2026", Date(2026, 2, 1)),
        ("mdy", "01/02/2026", Date(2026, 1, 2)),
        ("mdy", "1/31/2026", Date(2026, 1, 31)),
        ("ymd", "2026/1/2", Date(2026, 1, 2)),
        ("dmy", "29.02.2024", Date(2024, 2, 29)),
    ],
)
def test_a_date_is_read_in_the_order_of_the_column(order: Any, written: str, stored: Date) -> None:
    assert date(order)(written) == stored


@pytest.mark.parametrize(
    ("order", "written", "why"),
    [
        ("ymd", "1.2.2026", "must be a date such as 2026-11-30"),
        ("dmy", "01.02.26", "must be a date such as 2026-11-30 or 30.11.2026"),
        ("dmy", "1.2-2026", "must be a date such as 2026-11-30 or 30.11.2026"),
        ("dmy", "tomorrow", "must be a date such as 2026-11-30 or 30.11.2026"),
        ("mdy", "46054", "must be a date such as 2026-11-30 or 11/30/2026"),
        ("ymd", "2026-02-01T00:00:00", "must be a date such as 2026-11-30"),
        ("ymd", "２０２６-02-01", "must be a date such as 2026-11-30"),
        ("mdy", "31/1/2026", "is not a day of the calendar, read as month, day, year"),
        ("dmy", "29.2.2025", "is not a day of the calendar, read as day, month, year"),
        ("dmy", "2025-02-29", "is not a day of the calendar, read as year, month, day"),
        ("ymd", "0000-01-01", "is not a day of the calendar, read as year, month, day"),
    ],
)
def test_what_is_not_a_date_is_refused(order: Any, written: str, why: str) -> None:
    assert problem(date(order), written) == why
