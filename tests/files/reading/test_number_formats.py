"""Number formats that show leading zeros."""

from __future__ import annotations

import pytest

from importsvc.files.reading.number_formats import read_format


@pytest.mark.parametrize(
    ("code", "number", "text"),
    [
        ("00000", 1234, "01234"),
        ("00000", 123456, "123456"),
        ("00000;-00000", 7, "00007"),
        ("[Red]00000", 7, "00007"),
        (r"00000\-0000", 12345678, "01234-5678"),
        (r"000\-00\-0000", 12345678, "012-34-5678"),
        ('"0"##########', 301234567, "0301234567"),
        (r"\0###", 12, "012"),
        ("(000) 000-0000", 12345678901, "(1234) 567-8901"),
        ("000", 0, "000"),
    ],
)
def test_a_number_is_shown_with_its_zeros(code: str, number: int, text: str) -> None:
    format_ = read_format(code)

    assert format_ is not None
    assert format_.render(number) == text


@pytest.mark.parametrize(
    "code", ["General", "0", "0.00", "#,##0", "0%", "0.00E+00", "dd.mm.yyyy", "@", "", "00.0", "#"]
)
def test_other_formats_change_nothing(code: str) -> None:
    assert read_format(code) is None
