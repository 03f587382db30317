"""JSON read strictly: only what RFC 8259 calls JSON, and nothing ambiguous passes for something else."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importsvc.text import strict_json
from importsvc.text.strict_json import AmbiguousObject, NotStreamableError, read_json, stream_arrays


@pytest.mark.parametrize("source", ['{"a": [1, 1.5, null, true, "É😀"]}', ' {"a":[1,1.5,null,true,"\\u00c9😀"]}\n'])
def test_text_and_utf_8_are_read_alike(source: str) -> None:
    assert read_json(source) == read_json(source.encode()) == {"a": [1, 1.5, None, True, "É😀"]}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("0", 0),
        ('"\\ud83d\\ude00"', "😀"),
        ('"\\ud800"', "\ud800"),
        ('"\\u0000"', "\x00"),
        ("1e400", float("inf")),
        ("9" * 4_300, int("9" * 4_300)),
    ],
)
def test_what_json_can_spell_comes_out_whole(source: str, value: Any) -> None:
    assert read_json(source) == value


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("", "line 1 column 1: Expecting value"),
        ("{'a': 1}", "line 1 column 2: Expecting property name enclosed in double quotes"),
        ('{"a": 1 "b": 2}', "line 1 column 9: Expecting ',' delimiter"),
        ('{"a": 1}\n\n{', "line 3 column 1: Extra data"),
        ('"a\tb"', "line 1 column 3: Invalid control character at"),
        ('"\\x"', "line 1 column 2: Invalid \\escape"),
        ("\ufeff{}", "line 1 column 1: Unexpected UTF-8 BOM (decode using utf-8-sig)"),
        ("NaN", "NaN is not a JSON value"),
        ("[Infinity]", "Infinity is not a JSON value"),
        ('{"a": -Infinity}', "-Infinity is not a JSON value"),
        ("9" * 4_301, "it has a number of too many digits"),
        ("[" * 1_000_000, "it is nested too deep"),
        ('{"a":' * 1_000_000, "it is nested too deep"),
        (b'"\xff"', "it is not UTF-8"),
        ('"É"'.encode("latin-1"), "it is not UTF-8"),
        (b'"\xed\xa0\x80"', "it is not UTF-8"),
    ],
)
def test_what_is_no_json_is_refused_with_a_reason(source: str | bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        read_json(source)


@pytest.mark.parametrize(
    ("source", "members", "repeated"),
    [
        ('{"a": 1, "a": 2}', {"a": 2}, ["a"]),
        ('{"a": 1, "b": 2, "a": 1, "c": 3, "c": 3}', {"a": 1, "b": 2, "c": 3}, ["a", "c"]),
        ('{"a": 1, "\\u0061": 2}', {"a": 2}, ["a"]),
    ],
)
def test_an_object_that_names_a_member_twice_is_told_apart(
    source: str, members: dict[str, int], repeated: list[str]
) -> None:
    for value in (read_json(source), read_json(f'[{{"x": {source}}}]')[0]["x"]):
        assert isinstance(value, AmbiguousObject)
        assert value == members
        assert value.repeated == repeated


def test_names_that_differ_in_case_are_two_members() -> None:
    value = read_json('{"a": 1, "A": 2}')

    assert type(value) is dict
    assert value == {"a": 1, "A": 2}


def test_many_members_named_twice_are_found_in_no_time() -> None:
    source = "{" + ",".join(f'"{number % 100_000}":0' for number in range(200_000)) + "}"
    began = time.perf_counter()

    assert len(read_json(source).repeated) == 100_000
    assert time.perf_counter() - began < 5


# --- streams of arrays -----------------------------------------------------------------------------------------------

texts = st.text(max_size=5) | st.sampled_from(['"},{"', "},", '}, "b": [', ":", "\\", "]}", "\ud800", "É😀", "\x00"])
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
members = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2), max_leaves=4
)
items = st.dictionaries(texts, members, max_size=3) | members
objects_of_arrays = st.dictionaries(texts, st.lists(items, max_size=5), min_size=1, max_size=3)
spellings = st.sampled_from([(None, None), (None, (",", ":")), (1, None), ("\t", (" ,\r\n", "\n: "))])


def stream(source: str, *, size: int = 2, passage: int = 0) -> list[tuple[str, list[Any]]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strict_json, "_PASSAGE", passage)
        return list(stream_arrays(source, size=size))


def gather(pieces: list[tuple[str, list[Any]]]) -> dict[str, list[Any]]:
    gathered: dict[str, list[Any]] = {}
    for name, piece in pieces:
        gathered.setdefault(name, []).extend(piece)
    return gathered


@given(objects_of_arrays, spellings, st.booleans(), st.integers(1, 4), st.sampled_from([0, 1, 10, 40, 200_000]))
@settings(deadline=None, max_examples=300)
def test_a_stream_has_the_members_that_reading_has(
    value: dict[str, list[Any]], spelling: tuple[Any, Any], ascii_only: bool, size: int, passage: int
) -> None:
    source = json.dumps(value, indent=spelling[0], separators=spelling[1], ensure_ascii=ascii_only)

    pieces = stream(source, size=size, passage=passage)

    assert gather(pieces) == read_json(source)
    assert list(gather(pieces)) == list(value)
    assert all(len(piece) <= size for _, piece in pieces)
    assert [name for name, piece in pieces if not piece] == [name for name, array in value.items() if not array]


@given(objects_of_arrays, st.data(), st.sampled_from([0, 10, 200_000]))
@settings(deadline=None, max_examples=300)
def test_a_stream_is_refused_exactly_where_reading_is_or_it_is_no_object_of_arrays(
    value: dict[str, list[Any]], data: st.DataObject, passage: int
) -> None:
    source = json.dumps(value)
    start = data.draw(st.integers(0, len(source)))
    end = data.draw(st.integers(start, min(len(source), start + 3)))
    source = (
        source[:start] + data.draw(st.sampled_from(["", ",", "}", "]", '"', " ", "[", ":", "{}", "x"])) + source[end:]
    )
    try:
        read = read_json(source)
    except ValueError:
        read = None
    good = type(read) is dict and read != {} and all(isinstance(array, list) for array in read.values())

    if good:
        assert gather(stream(source, passage=passage)) == read
    else:
        with pytest.raises(NotStreamableError):
            stream(source, passage=passage)


@pytest.mark.parametrize(
    "source",
    [
        "",
        " ",
        "null",
        "[]",
        "{}",
        '{"a": {}}',
        '{"a": [], "b": 1}',
        '{"a": []} x',
        '{"a": []}{}',
        '{"a": [],}',
        '{"a": [{},]}',
        '{"a": [{} {}]}',
        '{"a": [{}}',
        '{"a": [{}',
        '{"a": ',
        '{"a"',
        "{1: []}",
        '{"a": [], "a": []}',
        '{"a": [], "\\u0061": []}',
        '{"a": [{"b": NaN}, {"b": 1}]}',
        '{"a": [{"b": -Infinity}]}',
        "\ufeff{}",
        f'{{"a": [{"9" * 5_000}]}}',
        '{"a": [' + "[" * 100_000,
    ],
)
@pytest.mark.parametrize("passage", [0, 200_000])
def test_what_is_no_object_of_arrays_is_not_streamed(source: str, passage: int) -> None:
    with pytest.raises(NotStreamableError):
        stream(source, passage=passage)


@pytest.mark.parametrize(
    "row",
    [
        '{"x": 1, "x": 2}',
        '{"x": 1, "\\u0078": 1}',
        '{"y": {"x": 1, "x": 2}}',
        '{"y": [{"x": 1}, {"x": 1, "x": 1}]}',
        '{"a:b": ":", "x": 1, "x": 1}',
    ],
)
@pytest.mark.parametrize("passage", [0, 10, 200_000])
def test_an_object_that_names_a_member_twice_is_told_apart_in_a_stream_too(row: str, passage: int) -> None:
    source = f'{{"a": [{{"z": 1}},{row},{{"z": 2}}]}}'

    streamed, read = gather(stream(source, passage=passage)), read_json(source)

    assert repr_of(streamed) == repr_of(read)
    assert "twice" in repr_of(read)


def repr_of(value: Any) -> str:
    """The value as text that tells ambiguous objects from others."""
    if isinstance(value, list):
        return f"[{', '.join(map(repr_of, value))}]"
    if isinstance(value, dict):
        inner = ", ".join(f"{name!r}: {repr_of(member)}" for name, member in value.items())
        return f"{{{inner}}}" + (f" twice {value.repeated}" if isinstance(value, AmbiguousObject) else "")
    return repr(value)


def test_a_stream_is_read_no_further_than_it_is_asked_for() -> None:
    pieces = stream_arrays('{"a": [1, 2, 3, x', size=1)

    assert [next(pieces), next(pieces)] == [("a", [1]), ("a", [2])]
