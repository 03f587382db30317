"""Row errors come with the cells that they are about."""

from __future__ import annotations

import json
from typing import Any

import pytest

from importsvc.engine.errors import Code, RowError
from importsvc.engine.parse.chunks import RowChunk
from importsvc.imports.services import preview_rows
from importsvc.imports.services.cell_problems import CellProblem, find_cells
from people.services import NewOrganization


def cells(acme: NewOrganization, import_data: Any) -> list[tuple[Any, ...]]:
    """The type, row, column, value and text of every error, in the order in which types are planned."""
    problems: list[CellProblem] = []
    preview = preview_rows(
        organization=acme.organization,
        import_data=import_data,
        on_errors=lambda *chunk: problems.extend(find_cells(*chunk)),
    )
    assert preview.refusal
    assert preview.refusal.errors.error_count == len(problems)
    return [tuple(problem)[:5] for problem in problems]


@pytest.mark.parametrize(
    ("row", "column", "value", "text"),
    [
        ({"First-Name": ["x"]}, "first_name", ["x"], '["x"]'),
        ({"FIRST name": " "}, "first_name", " ", " "),
        ({"first_name": None}, "first_name", None, "null"),
        ({"title": "Boss"}, "first_name", None, ""),
        ({"first_name": "A", "Shoe  Size": 7.5}, "shoe_size", 7.5, "7.5"),
        ({"first_name": "A", "": True}, "", True, "true"),
        ({"first_name": "A", "\ud800\x00": "x"}, "?\ufffd", "x", "x"),
        ({"first_name": "A", "X" * 200: "x"}, "x" * 100 + "…", "x", "x"),
        ({"first_name": "A", "title": "1", "Title": 2}, "title", ["1", 2], '["1", 2]'),
        ("Žuti", None, "Žuti", "Žuti"),
        (["Žuti"], None, ["Žuti"], '["Žuti"]'),
        (None, None, None, "null"),
    ],
)
def test_a_cell_is_found_under_any_header(
    acme: NewOrganization, row: Any, column: str | None, value: Any, text: str
) -> None:
    rows = {"person": [{"first_name": "Fine"}, row]}
    for import_data in (rows, json.dumps(rows)):
        assert cells(acme, import_data) == [("person", 2, column, value, text)]


def test_a_cell_that_is_given_twice_is_the_last_one(acme: NewOrganization) -> None:
    rows = '{"person": [{"first_name": "A", "first_name": "B"}]}'
    assert cells(acme, rows) == [("person", 1, "first_name", "B", "B")]


def test_cells_are_found_in_every_chunk(acme: NewOrganization) -> None:
    wrong = [1, 2_000, 2_001, 4_000, 4_001, 4_500]
    names = [None if number in wrong else f"C{number}" for number in range(1, 4_501)]
    companies = [{"name": name} if name else {"name": None, "due_days": "x"} for name in names]
    rows = {"person": [{"first_name": {}}], "company": companies}

    found = cells(acme, json.dumps(rows))

    assert found[-1] == ("person", 1, "first_name", {}, "{}")
    assert found[:-1] == [
        ("company", row, *cell) for row in wrong for cell in (("name", None, "null"), ("due_days", "x", "x"))
    ]


def test_every_error_of_a_cell_comes_with_the_cell() -> None:
    errors = [
        RowError(7, "title", "is wrong", Code.INVALID),
        RowError(7, "title", "is bad", Code.INVALID),
        RowError(8, None, "is no row", Code.INVALID),
    ]

    found = list(find_cells(RowChunk("person", 7, 2, ""), [{"title": 1}, "x"], errors))

    assert found == [
        CellProblem("person", 7, "title", 1, "1", "is wrong"),
        CellProblem("person", 7, "title", 1, "1", "is bad"),
        CellProblem("person", 8, None, "x", "x", "is no row"),
    ]
