"""No cell of a CSV file is a formula in a spreadsheet."""

import pytest

from importsvc.text.csv_cells import harmless


@pytest.mark.parametrize("mark", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_cell_that_could_be_a_formula_becomes_text(mark: str) -> None:
    assert harmless(f"{mark}cmd|' /C calc'!A0") == f"'{mark}cmd|' /C calc'!A0"


@pytest.mark.parametrize("cell", ["", "Ada", "1", "a=b", "'=1", " x", "ada@acme.test"])
def test_a_cell_that_cannot_be_a_formula_is_unchanged(cell: str) -> None:
    assert harmless(cell) == cell
