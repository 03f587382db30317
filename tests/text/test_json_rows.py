"""Rows and cells keep their text when they are split."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from importsvc.text.json_rows import pick_items, split_items, split_members
from tests.text.json_values import arrays, objects, spellings


@given(arrays, spellings)
@settings(deadline=None, max_examples=100)
def test_the_items_of_an_array_keep_their_text(array: list[Any], spelling: dict[str, Any]) -> None:
    text = json.dumps(array, **spelling)[1:-1]

    texts = split_items(text)

    assert split_items(text, len(array)) == texts
    wanted = range(len(array) - 1, -1, -2)
    assert pick_items(text, len(array), wanted) == [texts[index] for index in wanted]
    assert [json.loads(each) for each in texts] == array
    assert all(each == each.strip() and each in text for each in texts)


@pytest.mark.parametrize(
    "array",
    [
        [{"a": "},{"}],
        [{"a": "},{"}, 5],
        [{"a": "},{"}, 5, {}],
        ["{", {"a": "}"}],
        [{"a": 1}, "},{"],
        [{"a": "}"}, {"b": "{"}],
        [{"a": "}"}, {"b": "},"}, {}],
        [{"a": {}}, 5],
        [{}, {"a": "b"}],
        [],
    ],
)
def test_braces_in_items_do_not_split_them(array: list[Any]) -> None:
    text = json.dumps(array)[1:-1]

    assert [json.loads(item) for item in split_items(text, len(array))] == array


@given(objects, spellings)
@settings(deadline=None, max_examples=100)
def test_the_members_of_an_object_keep_the_text_of_their_values(
    value: dict[str, Any], spelling: dict[str, Any]
) -> None:
    text = json.dumps(value, **spelling)

    members = split_members(text)

    assert [(name, json.loads(each)) for name, each in members] == list(value.items())
    assert all(each == each.strip() and each in text for _, each in members)


def test_a_member_that_is_repeated_is_split_each_time() -> None:
    assert split_members('{ "a" : 1.50 , "a":[ ]}') == [("a", "1.50"), ("a", "[ ]")]
