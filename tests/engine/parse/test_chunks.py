"""``import_data`` is split into chunks of rows by type, or refused as a whole (contract, section 2.5)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importsvc.engine.errors import PayloadError
from importsvc.engine.parse import chunks
from importsvc.engine.parse.chunks import CHUNK_CHARACTERS, CHUNK_ROWS, RowChunk, split_rows
from importsvc.text import json_stream
from importsvc.text.json_rows import decode_rows
from importsvc.text.json_stream import JsonError, JsonReader, JsonTooLargeError
from importsvc.text.text_stream import read_parts
from tests.text.json_values import arrays, spellings

TYPES = ["company", "person"]
NO_OBJECT = "must be an object with an array of rows for each type (company, person)"


def open_reader(source: str, *, size: int = 1_000) -> JsonReader:
    return JsonReader(read_parts(iter([source[start : start + size] for start in range(0, len(source), size)])))


def split(source: str) -> Iterator[RowChunk]:
    return split_rows(open_reader(source), types=TYPES)


def gather(split_chunks: list[RowChunk]) -> dict[str, list[Any]]:
    """The rows of each type; checks that chunks of a type are adjacent and numbered without gaps."""
    rows: dict[str, list[Any]] = {}
    for chunk in split_chunks:
        assert chunk.type_name not in list(rows)[:-1]
        own = rows.setdefault(chunk.type_name, [])
        assert chunk.first_row == len(own) + 1
        own += decode_rows(chunk.text)
        assert chunk.first_row + chunk.row_count == len(own) + 1
    return rows


# --- rows ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            '{"company": [{"name": "A"}], "person": [{"first_name": "Ada"}]}',
            [RowChunk("company", 1, 1, '{"name": "A"}'), RowChunk("person", 1, 1, '{"first_name": "Ada"}')],
        ),
        (
            ' \n{"person":[{"first_name": "Ada"} , {}],\t"company":[{"name": "A"}]}',
            [RowChunk("person", 1, 2, '{"first_name": "Ada"},{}'), RowChunk("company", 1, 1, '{"name": "A"}')],
        ),
        ('{"person": [{}]}', [RowChunk("person", 1, 1, "{}")]),
        ('{"company": [], "person": [{}]}', [RowChunk("company", 1, 0, ""), RowChunk("person", 1, 1, "{}")]),
        ('{"company": [null,1,"a",[],{}]}', [RowChunk("company", 1, 5, 'null,1,"a",[],{}')]),
        ('{"comp\\u0061ny": [{}]}', [RowChunk("company", 1, 1, "{}")]),
    ],
)
def test_rows_come_by_type_in_the_order_submitted_and_are_not_parsed(source: str, expected: list[RowChunk]) -> None:
    assert list(split(source)) == expected


def test_the_text_of_a_row_is_kept_to_the_character() -> None:
    rows = [
        '{"n": 1.50, "m": 1E+5, "k": 12345678901234567890.000}',
        '{"b": "\\u00e9\\/\\ud83d\\ude00", "a": "é/😀\\ud800"}',
        '{ "x" :\t[ 1,\n2 ] }',
        '{"x": 1, "x": 2}',
    ]

    (chunk,) = split(f'{{"company": [{",".join(rows)}]}}')

    assert chunk.text == ",".join(rows)


@given(
    st.dictionaries(st.sampled_from(TYPES), arrays, min_size=1).filter(lambda data: any(data.values())),
    spellings,
    st.integers(1, 4),
    st.sampled_from([64, 1_000, 100_000]),
)
@settings(deadline=None, max_examples=100)
def test_no_row_is_lost_or_moved(data: dict[str, list[Any]], spelling: dict[str, Any], rows: int, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "CHUNK_ROWS", rows)
        patch.setattr(chunks, "CHUNK_CHARACTERS", size)
        split_chunks = list(split(json.dumps(data, **spelling)))

    assert gather(split_chunks) == data
    assert list(gather(split_chunks)) == list(data)
    assert all(chunk.row_count <= rows for chunk in split_chunks)
    assert all(len(chunk.text) <= size + rows or chunk.row_count == 1 for chunk in split_chunks)
    assert [chunk.type_name for chunk in split_chunks if not chunk.row_count] == [
        name for name, array in data.items() if not array
    ]


@pytest.mark.parametrize("count", [1, CHUNK_ROWS - 1, CHUNK_ROWS, CHUNK_ROWS + 1, 3 * CHUNK_ROWS])
def test_a_chunk_is_filled_up_to_its_maximum_number_of_rows(count: int) -> None:
    split_chunks = list(split(json.dumps({"person": [{"n": number} for number in range(count)]})))

    assert gather(split_chunks) == {"person": [{"n": number} for number in range(count)]}
    assert all(chunk.row_count <= CHUNK_ROWS for chunk in split_chunks)
    assert len(split_chunks) <= 2 * count // CHUNK_ROWS + 1


def test_a_chunk_is_filled_up_to_about_its_maximum_number_of_characters() -> None:
    row = {"name": "x" * 1_000}
    split_chunks = list(split(json.dumps({"company": [row] * 1_000})))

    assert gather(split_chunks) == {"company": [row] * 1_000}
    assert all(len(chunk.text) <= CHUNK_CHARACTERS + 100 for chunk in split_chunks)
    assert len(split_chunks) <= 2 * 1_000_000 // CHUNK_CHARACTERS + 1


def test_a_row_that_is_longer_than_a_chunk_is_a_chunk_by_itself() -> None:
    long = {"name": "x" * (CHUNK_CHARACTERS + 1)}
    split_chunks = list(split(json.dumps({"company": [{}, {}, long, {}, long, long]})))

    assert gather(split_chunks) == {"company": [{}, {}, long, {}, long, long]}
    assert [chunk.row_count for chunk in split_chunks] == [2, 1, 1, 1, 1]


def test_a_chunk_is_yielded_before_the_text_after_it_is_read() -> None:
    rows = ",".join(["{}"] * 3 * CHUNK_ROWS)
    split_chunks = split(f'{{"company": [{rows}, x')

    first = next(split_chunks)
    assert (first.type_name, first.first_row) == ("company", 1)
    with pytest.raises(JsonError, match=r"^line 1 column 18015: Expecting value$"):
        list(split_chunks)


def test_text_after_the_value_is_left_to_the_caller() -> None:
    reader = open_reader('{"company": [{}]} ]', size=1)

    assert list(split_rows(reader, types=TYPES)) == [RowChunk("company", 1, 1, "{}")]
    assert reader.peek() == "]"


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("null", NO_OBJECT),
        ("7", NO_OBJECT),
        ("true", NO_OBJECT),
        ("[]", NO_OBJECT),
        ('"{}"', NO_OBJECT),
        ('[{"name": "A"}]', NO_OBJECT),
        ('{"deal": []}', "has an unknown type 'deal'; known are company, person"),
        ('{"Company": [{}]}', "has an unknown type 'Company'; known are company, person"),
        ('{"company": [{}], "": []}', "has an unknown type ''; known are company, person"),
        ('{"\\ud800\\u0000": []}', "has an unknown type '?\N{REPLACEMENT CHARACTER}'; known are company, person"),
        (json.dumps({"x" * 200: []}), f"has an unknown type '{'x' * 100}…'; known are company, person"),
        ('{"company": [{}], "deal": [{}]}', "has an unknown type 'deal'; known are company, person"),
        ('{"company": {}}', "'company' must be an array of rows"),
        ('{"company": null}', "'company' must be an array of rows"),
        ('{"company": [{}], "person": "Ada"}', "'person' must be an array of rows"),
        ('{"company": [{}], "person": 1}', "'person' must be an array of rows"),
        ("{}", "has no rows"),
        ('{"company": []}', "has no rows"),
        ('{"company": [], "person": []}', "has no rows"),
        ('{"company": [{}], "company": [{}]}', "names 'company' twice"),
        ('{"company": [], "\\u0063ompany": [{}]}', "names 'company' twice"),
        ('{"company": [{}], "company": 7}', "names 'company' twice"),
        ('{"deal": [{"x": 1}], "company": 7, "goal": "x"}', "has an unknown type 'deal'; known are company, person"),
        ('{"company": 7, "deal": [], "person": [{}]}', "'company' must be an array of rows"),
    ],
)
def test_an_invalid_structure_is_refused_and_the_value_is_read_to_its_end(source: str, problem: str) -> None:
    for size in (1, 1_000):
        reader = open_reader(f"{source} ,", size=size)
        with pytest.raises(PayloadError) as caught:
            list(split_rows(reader, types=TYPES))

        assert str(caught.value) == problem
        assert reader.peek() == ","


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("", "line 1 column 1: Expecting value"),
        ("company", "line 1 column 1: Expecting value"),
        ('{"company": [\n{]}', "line 2 column 2: Expecting property name enclosed in double quotes"),
        ('{"company": [{"name": NaN}]}', "NaN is not a JSON value"),
        ('{"company": [{}, {}', "line 1 column 20: Expecting ',' delimiter"),
        ('{"company": [{}', "line 1 column 16: Expecting ',' delimiter"),
        ('{"company": [{},]}', "line 1 column 17: Expecting value"),
        ('{"company": [{}],}', "line 1 column 18: Expecting property name enclosed in double quotes"),
        ('{"company": [{}] "person": []}', "line 1 column 18: Expecting ',' delimiter"),
        ('{"company" [{}]}', "line 1 column 12: Expecting ':' delimiter"),
        ('{"company": ', "line 1 column 13: Expecting value"),
        ("{company: []}", "line 1 column 2: Expecting property name enclosed in double quotes"),
        ('{"deal": [{]}', "line 1 column 12: Expecting property name enclosed in double quotes"),
        ("[" * 100_000, "it is nested too deep"),
    ],
)
def test_text_that_is_not_json_is_refused_with_a_reason(source: str, problem: str) -> None:
    with pytest.raises(JsonError) as caught:
        list(split(source))

    assert str(caught.value) == problem


@pytest.mark.parametrize("before", [0, 1, 2 * CHUNK_ROWS + 1])
def test_a_row_that_is_too_large_is_refused_with_its_number(monkeypatch: pytest.MonkeyPatch, before: int) -> None:
    monkeypatch.setattr(json_stream, "LARGEST_VALUE", 100)
    monkeypatch.setattr(chunks, "CHUNK_CHARACTERS", 600)
    longest, longer = (json.dumps({"name": "x" * length}) for length in (88, 89))
    rows = "{}," * before

    assert sum(chunk.row_count for chunk in split(f'{{"person": [{rows}{longest},{{}}]}}')) == before + 2
    problem = f"row {before + 1} of 'person' has more than 100 characters"
    with pytest.raises(JsonTooLargeError, match=f"^{re.escape(problem)}$"):
        list(split(f'{{"company": [{{}}], "person": [{rows}{longer},{{}}]}}'))


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('{"a":[', "]}")])
def test_however_deep_rows_are_nested_they_are_read_or_refused(opening: str, closing: str) -> None:
    outcomes = set()
    for levels in range(400, 1_020, 3):
        row = f'{{"x": {opening * levels}7{closing * levels}}}'
        try:
            rows = gather(list(split(f'{{"company": [{row},{row}]}}')))
        except JsonError as error:
            outcomes.add(str(error))
        else:
            outcomes.add("read")
            assert len(rows["company"]) == 2

    assert outcomes == {"read", "it is nested too deep"}
