"""Every kind of bad input is refused alike by every service, with the row and the column, and nothing is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from importsvc.errors import InvalidAttribute
from importsvc.imports.services import create_import, run_import, update_import
from people.services import NewOrganization
from tests.builders import make_company, make_import, make_person
from tests.reference import Refused, expect_import
from tests.snapshots import take_snapshot
from tests.staged import bring_rows


def person(**cells: Any) -> dict[str, Any]:
    return {"person": [{"first_name": "Ann"}, {"first_name": "Bob", **cells}]}


def company(**cells: Any) -> dict[str, Any]:
    return {"company": [{"name": "Reds"}, {"name": "Blues", **cells}]}


def nest(levels: int) -> str:
    inner = '{"a":' * levels + "1" + "}" * levels
    return f'{{"person": [{{"first_name": "Ann", "custom_fields": {inner}}}]}}'


def emails(*addresses: str) -> dict[str, Any]:
    return {"person": [{"first_name": "Ann", "email": address} for address in addresses]}


# The rows, and the row, the column and the message of their error.
ROWS: dict[str, tuple[Any, tuple[int, str | None, str]]] = {
    "a row that is no object": ({"person": [{"first_name": "Ann"}, "Bob"]}, (2, None, "Row must be an object")),
    "an unknown column": (person(surname="B"), (2, "surname", "Surname is not a column of person")),
    "a blank header": (person(**{" _-": "B"}), (2, "", "A blank header is not a column of person")),
    "two headers for one column": (
        person(**{"Last Name": "A", "LAST-NAME": "B"}),
        (2, "last_name", "Last name is given more than once"),
    ),
    "a member named twice": (
        '{"person": [{"first_name": "Ann", "title": "A", "title": "A"}]}',
        (1, "title", "Title is given more than once"),
    ),
    "a required cell that is missing": ({"person": [{}]}, (1, "first_name", "First name can't be blank")),
    "a required cell of nothing but space": (
        {"company": [{"name": "\u00a0\u3000\u2028\t\n"}]},
        (1, "name", "Name can't be blank"),
    ),
    "a number for text": (person(title=7), (2, "title", "Title must be text")),
    "a truth value for text": (company(description=True), (2, "description", "Description must be text")),
    "an object for text": (person(email={}), (2, "email", "Email must be text")),
    "a list for a name of a company": (person(company=["Reds"]), (2, "company", "Company must be text")),
    "a NUL character": (person(title="a\x00"), (2, "title", "Title contains a NUL character")),
    "half of a surrogate pair": (person(title="\ud800"), (2, "title", "Title contains half of a surrogate pair")),
    "a surrogate in a header": (person(**{"\ud800": 1}), (2, "?", "? is not a column of person")),
    "256 letters": (person(title="x" * 256), (2, "title", "Title is too long (maximum is 255 characters)")),
    "256 letters beyond the first plane": (
        company(description="d", name="😀" * 256),
        (2, "name", "Name is too long (maximum is 255 characters)"),
    ),
    "65,536 letters": (
        company(description="x" * 65_536),
        (2, "description", "Description is too long (maximum is 65535 characters)"),
    ),
    "an address of 255 letters": (
        person(email=f"{'a' * 64}@{'.'.join(['d' * 60] * 3)}.{'d' * 7}"),
        (2, "email", "Email is too long (maximum is 254 characters)"),
    ),
    "no address": (person(email="ada@acme"), (2, "email", "Email is not an email")),
    "an address that the organization has, in other case": (
        person(email="OWN@acme.TEST"),
        (2, "email", "Email has already been taken"),
    ),
    "an address twice, in other case": (
        emails("é@acme.test", "x@acme.test", "É@acme.test"),
        (3, "email", "Email has already been taken by row 1"),
    ),
    "a name that the organization has, in other case": (
        company(name="TWICE"),
        (2, "name", "Name has already been taken"),
    ),
    "a name twice, with a Kelvin sign": (
        {"company": [{"name": "K2"}, {"name": "\u212a2"}]},
        (2, "name", "Name has already been taken by row 1"),
    ),
    "a company that does not exist": (person(company="Nobody's"), (2, "company", "Company must exist")),
    "a company of which there are two": (person(company="twice"), (2, "company", "Company is ambiguous")),
    "no currency": (
        company(default_currency="uſd"),
        (2, "default_currency", "Default currency is not a currency code"),
    ),
    "a fraction": (company(due_days=1.5), (2, "due_days", "Due days must be a whole number")),
    "a number in words": (company(due_days="soon"), (2, "due_days", "Due days must be a whole number")),
    "a negative number": (company(due_days="-1"), (2, "due_days", "Due days must be 0 or more")),
    "a number that is too large": (
        company(due_days=2**31),
        (2, "due_days", "Due days is too large (maximum is 2147483647)"),
    ),
    "tags that are no text": (person(tag_list=["a", 1]), (2, "tag_list", "Tag list must be text")),
    "tags that are no list": (
        person(tag_list=7),
        (2, "tag_list", "Tag list must be a list of text, or text with commas between"),
    ),
    "fields that are no object": (person(custom_fields="{}"), (2, "custom_fields", "Custom fields must be an object")),
    "fields that name a member twice": (
        '{"person": [{"first_name": "Ann", "custom_fields": {"a": [{"b": 1, "b": 1}]}}]}',
        (1, "custom_fields", "Custom fields names a member twice"),
    ),
    "a number without end within": (
        '{"person": [{"first_name": "Ann", "custom_fields": {"a": 1e400}}]}',
        (1, "custom_fields", "Custom fields contains a number that is too large"),
    ),
    "21 levels": (nest(21), (1, "custom_fields", "Custom fields is nested too deep (maximum is 20 levels)")),
    "900 levels": (nest(900), (1, "custom_fields", "Custom fields is nested too deep (maximum is 20 levels)")),
}
WHOLE: dict[str, tuple[str, str]] = {
    "nothing": ("", "can't be blank"),
    "space": (" \n\t", "can't be blank"),
    "no JSON": ("company", "is not valid JSON: line 1 column 1: Expecting value"),
    "an end too early": ('{"company": [{}', "is not valid JSON: line 1 column 16: Expecting ',' delimiter"),
    "text after the end": ('{"company": [{}]} {}', "is not valid JSON: line 1 column 19: Extra data"),
    "a control character": (
        '{"company": ["\x00"]}',
        "is not valid JSON: line 1 column 15: Invalid control character at",
    ),
    "a surrogate where no text is due": ("\ud800", "is not valid JSON: line 1 column 1: Expecting value"),
    "no number": ('{"company": [NaN]}', "is not valid JSON: NaN is not a JSON value"),
    "too many digits": (f'{{"company": [{"9" * 5_000}]}}', "is not valid JSON: it has a number of too many digits"),
    "too many levels": ("[" * 100_000, "is not valid JSON: it is nested too deep"),
    "a list": ("[{}]", "must be an object with an array of rows for each type (company, person)"),
    "an unknown type": ('{"deal": [{}]}', "has an unknown type 'deal'; known are company, person"),
    "a type in capitals": ('{"Company": [{}]}', "has an unknown type 'Company'; known are company, person"),
    "a type twice": ('{"company": [{}], "company": [{}]}', "names 'company' twice"),
    "rows that are no array": ('{"company": [{}], "person": {}}', "'person' must be an array of rows"),
    "no type": ("{}", "has no rows"),
    "no row": ('{"company": [], "person": []}', "has no rows"),
}


def refuse(acme: NewOrganization, form: Any) -> list[InvalidAttribute]:
    """The refusals of all services; checks that nothing is written."""
    scope: dict[str, Any] = {"organization": acme.organization}
    import_ = make_import(creator=acme.person, import_data={"company": [{"name": "As it was"}]})
    before = take_snapshot()
    ways: list[Callable[[], Any]] = [
        lambda: create_import(**scope, creator=acme.person, import_data=form),
        lambda: update_import(**scope, import_id=import_.pk, import_data=form, attributes={}),
        lambda: run_import(**scope, import_id=import_.pk, import_data=form),
    ]
    refusals = []
    for way in ways:
        with pytest.raises(InvalidAttribute) as caught:
            way()
        refusals.append(caught.value)
        assert take_snapshot() == before
    return refusals


@pytest.mark.parametrize("bad", ROWS)
def test_a_bad_row_is_refused_and_named(acme: NewOrganization, bad: str) -> None:
    data, (row, column, message) = ROWS[bad]
    for name in ("Twice", "tWICE"):
        make_company(organization=acme.organization, name=name)
    make_person(organization=acme.organization, email="own@acme.test")
    text = data if isinstance(data, str) else json.dumps(data)
    (type_name,) = json.loads(text)
    detail = {type_name: [{"row": row, "column": column, "messages": [message]}]}

    assert expect_import(acme.organization, text) == Refused(detail)
    for form in (text, bring_rows(text)):
        assert [error.detail for error in refuse(acme, form)] == [detail] * 3


@pytest.mark.parametrize("bad", WHOLE)
def test_an_invalid_structure_is_refused(acme: NewOrganization, bad: str) -> None:
    text, detail = WHOLE[bad]

    assert expect_import(acme.organization, text) == Refused(detail)
    assert [error.detail for error in refuse(acme, text)] == [detail] * 3


def test_the_first_thousand_entries_are_listed_and_all_are_counted(acme: NewOrganization) -> None:
    data = {"person": [{"email": "x"}] * 700, "company": [{"name": "Reds", "due_days": -1}] + [{"name": "reds"}] * 2}
    expected = expect_import(acme.organization, json.dumps(data))

    assert isinstance(expected, Refused)
    assert expected.meta == {"error_count": 1_403}
    for error in refuse(acme, data):
        assert (error.detail, error.meta) == (expected.detail, expected.meta)


def test_messages_about_one_column_of_one_row_are_one_entry_even_if_another_comes_between(
    acme: NewOrganization,
) -> None:
    data = {"company": [{"name": "Reds", "Foo": 1, "Bar": 2, "foo": 3}]}
    foo = ["Foo is not a column of company"] * 2
    detail = {
        "company": [
            {"row": 1, "column": "foo", "messages": foo},
            {"row": 1, "column": "bar", "messages": ["Bar is not a column of company"]},
        ]
    }

    assert expect_import(acme.organization, json.dumps(data)) == Refused(detail)
    assert [error.detail for error in refuse(acme, data)] == [detail] * 3
