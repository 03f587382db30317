"""Values that clients send back: which are the same as those of the record."""

from __future__ import annotations

from typing import Any

import pytest

from importsvc.jsonapi.request.echoes import find_changed

STAMP = "2020-08-11T01:04:34.303+02:00"


@pytest.mark.parametrize(
    ("given", "present"),
    [
        (None, None),
        (7, 7),
        (7.0, 7),
        ("created", "created"),
        (STAMP, STAMP),
        ("2020-08-10T23:04:34.303Z", STAMP),
        ("2020-08-10T23:04:34.303000+00:00", STAMP),
        ({"person": {"created": 1}}, {"person": {"created": 1}}),
        (["b", "a"], ["b", "a"]),
    ],
)
def test_the_same_value_and_the_same_time_may_be_sent_back(given: Any, present: Any) -> None:
    assert find_changed({"name": given, "other": 1}, {"name": present}) == {}


@pytest.mark.parametrize(
    ("given", "present"),
    [
        (None, 7),
        (7, None),
        ("7", 7),
        (True, 1),
        (1, True),
        (0, False),
        ("Created", "created"),
        ("2020-08-11T01:04:34.303", STAMP),
        ("2020-08-11T01:04:34.304+02:00", STAMP),
        ("0001-01-01T00:00:00+14:00", STAMP),
        ("9999-12-31T23:59:59-14:00", STAMP),
        ("banana", STAMP),
        (1597100674, STAMP),
        ([], STAMP),
        ({}, {"person": {}}),
        (["a", "b"], ["b", "a"]),
    ],
)
def test_any_other_value_is_a_change(given: Any, present: Any) -> None:
    expected = {"name": ["is read-only, and differs from the record's"]}

    assert find_changed({"name": given}, {"name": present}) == expected


def test_attributes_that_are_not_given_are_not_changed() -> None:
    assert find_changed({}, {"name": 1}) == {}
