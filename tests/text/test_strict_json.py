"""Strict JSON: only JSON of RFC 8259, and ambiguous objects are marked."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from importsvc.text.strict_json import AmbiguousObject, is_same_value, read_json
from tests.text.json_values import REFUSED


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
def test_every_value_that_json_can_express_is_read(source: str, value: Any) -> None:
    assert read_json(source) == value


@pytest.mark.parametrize(("source", "problem"), REFUSED)
def test_text_that_is_not_json_is_refused_with_a_reason(source: str | bytes, problem: str) -> None:
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
def test_an_object_with_a_repeated_member_is_marked_as_ambiguous(
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


@pytest.mark.parametrize(
    ("one", "other", "are_same"),
    [
        ("1", "1.0", True),
        ('{"a": 1, "b": [null]}', '{"b": [null], "a": 1}', True),
        ("true", "1", False),
        ("0", "false", False),
        ("1", '"1"', False),
        ("null", "false", False),
        ("[1]", "[1, 1]", False),
    ],
)
def test_values_are_the_same_whatever_their_text_but_true_is_no_number(one: str, other: str, are_same: bool) -> None:
    assert is_same_value(read_json(one), read_json(other)) is are_same


def test_many_repeated_members_are_found_quickly() -> None:
    source = "{" + ",".join(f'"{number % 100_000}":0' for number in range(200_000)) + "}"
    began = time.perf_counter()

    assert len(read_json(source).repeated) == 100_000
    assert time.perf_counter() - began < 5
