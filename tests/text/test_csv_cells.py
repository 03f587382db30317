"""No cell of a CSV file is a formula to a spreadsheet."""

import pytest

from importsvc.text.csv_cells import harmless


@pytest.mark.parametrize("mark", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_what_may_be_a_formula_is_text(mark: str) -> None:
    assert harmless(f"{mark}cmd|' /C calc'!A0") == f"'{mark}cmd|' /C calc'!A0"


@pytest.mark.parametrize("cell", ["", "Ada", "1", "a=b", "'=1", " x", "ada@acme.test"])
def test_what_is_none_is_left_as_it_is(cell: str) -> None:
    assert harmless(cell) == cell
