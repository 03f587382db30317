"""``import_data`` is read from the connection as a stream: valid bodies are staged, broken ones are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from importsvc.jsonapi.request.parsers import LARGEST_MEMBER
from importsvc.text.json_stream import LARGEST_VALUE
from tests.client import ApiClient, assert_error
from tests.snapshots import take_snapshot

POINTER = {"source": {"pointer": "data/attributes/import_data"}}
ROWS = {"company": [{"name": "Reds"}]}


def document(import_data: str, *, before: str = '"type": "imports", ', after: str = "") -> str:
    """A request document with this JSON as ``import_data``."""
    return f'{{"data": {{{before}"attributes": {{"sample": true, "import_data": {import_data}}}{after}}}}}'


def people(count: int) -> str:
    return ",".join(f'{{"first_name": "P{number}"}}' for number in range(count))


@pytest.mark.parametrize(
    "body",
    [
        document(json.dumps(ROWS)),
        document(json.dumps(json.dumps(ROWS))),
        document(json.dumps(ROWS), before="", after=', "type": "imports"'),
        f" \n{document(json.dumps(ROWS, indent=1))}\r\n",
        f'{{"jsonapi": {{"version": "1.1"}}, "meta": [1], {document(json.dumps(ROWS))[1:]}',
    ],
)
def test_members_may_come_in_any_order_and_rows_in_either_form(api: ApiClient, body: str) -> None:
    assert api.request("POST", "imports", body).status_code == 201


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (document(f'{{"person": [{people(3_000)}, {{"first_name": "Ann')[:-3], "Unterminated string starting at"),
        (document(f'{{"person": [{people(3_000)}')[:-3], "Expecting ',' delimiter"),
        (
            '{"data": {"type": "imports", "attributes": {"import_data": "{\\"person\\": [\\',
            "Unterminated string starting at",
        ),
        ('{"data": {"type": "imports", "attributes": {"import_data": "{\\u00', "Invalid \\uXXXX escape"),
        (document(json.dumps(ROWS)) + "x", "Extra data"),
        (document(json.dumps(json.dumps(ROWS)))[:-2], "Expecting ',' delimiter"),
        (document("{")[:-3], "Expecting property name enclosed in double quotes"),
    ],
)
def test_a_body_that_ends_too_early_or_too_late_is_refused_and_nothing_is_staged(
    api: ApiClient, body: str, why: str
) -> None:
    api.get("imports")
    before = take_snapshot()

    response = api.request("POST", "imports", body)

    assert response.status_code == 400
    (error,) = json.loads(response.content)["errors"]
    assert error["code"] == "bad_request"
    assert error["detail"].startswith("The request body is not valid JSON: line 1 column ")
    assert f": {why}" in error["detail"]
    assert take_snapshot() == before


def test_json_in_a_string_that_is_broken_is_an_error_of_the_attribute(api: ApiClient) -> None:
    response = api.request("POST", "imports", document(json.dumps('{"person": [{"first_name": "Ann"}')))

    detail = "is not valid JSON: line 1 column 34: Expecting ',' delimiter"
    assert_error(response, 422, "invalid_attribute", detail, **POINTER)


def test_a_cell_of_ten_megabytes_is_refused(api: ApiClient) -> None:
    rows = {"company": [{"name": "Reds"}, {"name": "x" * 10_000_000}]}
    why = f"has a value that is too large: row 2 of 'company' has more than {LARGEST_VALUE} characters"

    response = api.send_import("POST", "imports", import_data=rows)
    assert_error(response, 413, "payload_too_large", f"The document {why}")

    response = api.send_import("POST", "imports", import_data=json.dumps(rows))
    assert_error(response, 422, "invalid_attribute", why, **POINTER)


def test_any_other_value_of_a_document_has_at_most_a_million_characters(api: ApiClient) -> None:
    longest, longer = (json.dumps("x" * (LARGEST_MEMBER - 2 + more)) for more in (0, 1))
    assert LARGEST_MEMBER == 1_048_576
    for place in (
        '{"data":{"type":"imports","attributes":{"sample":%s}}}',
        '{"data":{"type":"imports","attributes":{"started_at":%s}}}',
        '{"data":{"type":"imports","attributes":{"banana":%s}}}',
        '{"data":{"type":%s}}',
        '{"data":{"type":"imports","relationships":%s}}',
        '{"data":{"meta":%s}}',
        '{"data":%s}',
        '{"meta":%s}',
        "%s",
    ):
        assert api.request("POST", "imports", place.replace("%s", longest)).status_code in (400, 409, 422), place
        response = api.request("POST", "imports", place.replace("%s", longer))

        detail = "The document has a value that is too large: more than 1048576 characters"
        assert_error(response, 413, "payload_too_large", detail)


@pytest.mark.parametrize("in_string", [False, True])
def test_of_a_hundred_thousand_types_the_first_unknown_one_is_named(api: ApiClient, in_string: bool) -> None:
    types: dict[str, Any] = {"company": [{"name": "Reds"}], **{f"type{number}": [] for number in range(100_000)}}

    response = api.send_import("POST", "imports", import_data=json.dumps(types) if in_string else types)

    detail = "has an unknown type 'type0'; known are company, person"
    assert_error(response, 422, "invalid_attribute", detail, **POINTER)


def test_import_data_given_twice_in_the_document_is_refused(api: ApiClient) -> None:
    attributes = '"import_data": {"company": [{"name": "A"}]}, "import_data": {"company": [{"name": "B"}]}'

    response = api.request("POST", "imports", f'{{"data": {{"type": "imports", "attributes": {{{attributes}}}}}}}')

    detail = "'data/attributes' names 'import_data' twice"
    assert_error(response, 400, "bad_request", detail, source={"pointer": "data/attributes"})


def test_a_wrong_type_is_refused_although_rows_were_read_before_it(api: ApiClient) -> None:
    response = api.request("POST", "imports", document(json.dumps(ROWS), before="", after=', "type": "people"'))

    detail = "Type 'people' is not 'imports', which this endpoint is about"
    assert_error(response, 409, "conflict", detail, source={"pointer": "data/type"})
