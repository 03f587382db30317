"""Cleaning a whole column gives the same as cleaning its cells one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importsvc.engine.errors import CellError
from importsvc.engine.parse import cells
from importsvc.engine.parse.columns import clean_column
from tests.payloads import UNFIT, addresses, blanks, padded
from tests.reference_cells import RULES, Object, WrongError

CLEANERS = [cells.text, cells.long_text, cells.email, cells.currency, cells.whole_number, cells.tags, cells.json_object]

longest = st.sampled_from(["x", "É", "😀", "\u0301"]).flatmap(
    lambda letter: st.sampled_from([63, 64, 65, 253, 254, 255, 256]).map(lambda length: f" {letter * length} ")
)
columns = st.one_of(
    st.lists(padded, min_size=1, max_size=6),
    st.lists(addresses, min_size=1, max_size=6),
    st.lists(addresses | blanks, min_size=1, max_size=6),
    st.lists(padded | blanks | longest, min_size=1, max_size=6),
    st.lists(st.one_of(padded, addresses, blanks, longest, st.sampled_from(UNFIT)), min_size=1, max_size=6),
)


def clean_cells(clean: Callable[[object], Any], column: list[Any]) -> tuple[list[Any], dict[int, tuple[str, str]]]:
    values: list[Any] = []
    problems: dict[int, CellError] = {}
    for index, cell in enumerate(column):
        try:
            values.append(clean(cell))
        except CellError as error:
            values.append(None)
            problems[index] = error
    return values, describe(problems)


def describe(problems: dict[int, CellError]) -> dict[int, tuple[str, str]]:
    """The message and the code of each problem."""
    return {index: (str(error), error.code) for index, error in problems.items()}


@pytest.mark.parametrize("clean", CLEANERS)
@given(column=columns)
@settings(deadline=None, max_examples=150)
def test_cleaning_a_column_gives_the_same_as_cleaning_its_cells(
    clean: Callable[[object], Any], column: list[Any]
) -> None:
    values, problems = clean_column(clean, column)

    assert (list(values), describe(problems)) == clean_cells(clean, column)
    assert list(map(type, values)) == list(map(type, clean_cells(clean, column)[0]))


@pytest.mark.parametrize("clean", CLEANERS)
@pytest.mark.parametrize(
    "cell",
    [
        "a" * 255,
        "a" * 256,
        "😀" * 255,
        "a@b.co",
        "é@b.co",
        "a\x00",
        "\ud800",
        "a\nb",
        "a\u00a0b",
        " ",
        None,
        7,
        True,
        [],
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_single_unusual_cell_among_plain_cells_is_cleaned_like_any_cell(
    clean: Callable[[object], Any], cell: object, place: int
) -> None:
    column: list[Any] = ["ada@acme.test", "bob@acme.test"]
    column.insert(place, cell)

    values, problems = clean_column(clean, column)

    assert (list(values), describe(problems)) == clean_cells(clean, column)


@pytest.mark.parametrize("clean", CLEANERS)
def test_a_column_of_missing_values_stays_missing(clean: Callable[[object], Any]) -> None:
    values, problems = clean_column(clean, [None, None])

    assert (list(values), problems) == ([None, None], {})


@pytest.mark.parametrize("clean", CLEANERS)
def test_a_cell_that_its_file_could_not_give_is_refused_with_the_reason(clean: Callable[[object], Any]) -> None:
    cell = {"$unreadable": "#N/A", "because": "is the error #N/A of the workbook"}

    values, problems = clean_column(clean, [cell, None])

    assert list(values) == [None, None]
    assert describe(problems) == {0: ("is the error #N/A of the workbook", "unreadable")}


@pytest.mark.parametrize(
    "cell",
    [
        {"$unreadable": "#N/A"},
        {"because": "is wrong"},
        {"$unreadable": "#N/A", "because": 7},
        {"$unreadable": "#N/A", "because": "is wrong", "more": 1},
    ],
)
def test_an_object_that_only_resembles_such_a_cell_is_a_value(cell: dict[str, Any]) -> None:
    assert clean_column(cells.json_object, [cell]) == ([cell], {})


def test_a_member_that_its_file_could_not_give_is_named() -> None:
    cell = {"Seats": {"$unreadable": "many", "because": "is not a number"}}

    _, problems = clean_column(cells.json_object, [cell])

    assert describe(problems) == {0: ("has 'Seats', which is not a number", "unreadable")}


def test_an_unknown_cleaner_is_called_for_each_cell() -> None:
    assert clean_column(lambda cell: cells.text(cell) or "nothing", ["a", ""]) == (["a", "nothing"], {})


odd_addresses = st.tuples(st.text(max_size=4), st.text("aé-_.1", max_size=5)).map("{0[0]}@{0[1]}.co".format)
RULE_OF: dict[Callable[[object], Any], Callable[[Any], Any]] = {
    cells.text: RULES["person"]["title"],
    cells.long_text: RULES["company"]["description"],
    cells.email: RULES["person"]["email"],
    cells.currency: RULES["company"]["default_currency"],
    cells.whole_number: RULES["company"]["due_days"],
    cells.tags: RULES["person"]["tag_list"],
}


@pytest.mark.parametrize("clean", RULE_OF)
@given(
    cell=padded | addresses | blanks | longest | st.sampled_from(UNFIT) | st.text(max_size=5).map("{0}@{0}.co".format)
)
@settings(deadline=None, max_examples=150)
def test_the_engines_rules_are_those_of_the_contract(clean: Callable[[object], Any], cell: Any) -> None:
    cell = Object(list(cell.items())) if isinstance(cell, dict) else cell
    try:
        expected: tuple[Any, dict[int, str]] = ([RULE_OF[clean](cell)], {})
    except WrongError as wrong:
        expected = ([None], {0: str(wrong)})

    values, problems = clean_column(clean, [cell])

    assert (list(values), {index: str(error) for index, error in problems.items()}) == expected
