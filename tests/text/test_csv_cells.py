"""No cell of a CSV file is a formula in a spreadsheet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importsvc.text.csv_cells import harmless, restore


@pytest.mark.parametrize("mark", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_cell_that_could_be_a_formula_becomes_text(mark: str) -> None:
    assert harmless(f"{mark}cmd|' /C calc'!A0") == f"'{mark}cmd|' /C calc'!A0"


@pytest.mark.parametrize("cell", ["", "Ada", "1", "a=b", "'a", "'", " x", "ada@acme.test"])
def test_a_cell_that_cannot_be_a_formula_is_unchanged(cell: str) -> None:
    assert harmless(cell) == cell


@pytest.mark.parametrize("cell", ["#N/A", "#SPILL!", "#GETTING_DATA", "#ERROR!", "Err:502"])
def test_a_text_that_looks_like_an_error_stays_text(cell: str) -> None:
    assert (harmless(cell), restore(f"'{cell}"), restore(f"''{cell}")) == (f"'{cell}", cell, f"'{cell}")


@pytest.mark.parametrize("cell", ["#spill!", "#1", "#SPILL", "Err:5", "Err:5021", "an Err:502"])
def test_a_text_that_is_no_error_is_unchanged(cell: str) -> None:
    assert harmless(cell) == cell


@given(st.text(alphabet="'=+-@\t\r\n a1", max_size=6))
def test_every_cell_is_restored(cell: str) -> None:
    assert restore(harmless(cell)) == cell
