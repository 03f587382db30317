"""Text with separators: strict records, their lines, and the refusals with their places."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from importsvc.files.reading.delimited import LONGEST_FIELD, LONGEST_RECORD
from importsvc.files.reading.opening import open_table
from importsvc.files.reading.tables import CSV, MAX_COLUMNS, ReadOptions
from tests.files.builders import Bytes, OnDisk, make_text, read, refuse


def options(separator: str = ",", quote: str = '"', header_row: int = 1, encoding: str = "utf-8") -> ReadOptions:
    return ReadOptions(CSV, encoding=encoding, separator=separator, quote=quote, header_row=header_row)


def test_a_row_knows_the_physical_line_where_it_starts() -> None:
    source = make_text('a,b\r\n"x\r\ny",1\r\n\r\nz,2\r\n')

    assert read(source, options()) == (["a", "b"], [(2, ["x\r\ny", "1"]), (4, []), (5, ["z", "2"])])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_end_of_line_is_read(end: str) -> None:
    source = make_text(end.join(["a;b", '"1\r2";x', "3;y"]))

    assert read(source, options(";")) == (["a", "b"], [(2, ["1\r2", "x"]), (4, ["3", "y"])])


def test_rows_that_are_shorter_or_longer_than_the_header_are_kept_as_they_are() -> None:
    assert read(make_text("a,b\n1\n1,2,3,4\n"), options())[1] == [(2, ["1"]), (3, ["1", "2", "3", "4"])]


def test_a_line_that_names_the_separator_is_no_row_and_counts_as_a_line() -> None:
    assert read(make_text("sep=;\r\na;b\r\n1;2\r\n")) == (["a", "b"], [(3, ["1", "2"])])
    assert read(make_text('\ufeff"sep=|"\na|b\n1|2\n')) == (["a", "b"], [(3, ["1", "2"])])


def test_a_separator_may_have_a_space_after_it_that_belongs_to_no_cell() -> None:
    source = make_text('a, b\n"x, y", "1, 2"\n"z", "3"\n')

    assert read(source) == (["a", "b"], [(2, ["x, y", "1, 2"]), (3, ["z", "3"])])


def test_a_file_of_one_column_keeps_its_commas() -> None:
    source = make_text("Firma\nAcme, Inc.\nGlobex\nInitech, LLC\nHooli\n")

    assert read(source) == (["Firma"], [(2, ["Acme, Inc."]), (3, ["Globex"]), (4, ["Initech, LLC"]), (5, ["Hooli"])])


def test_quotes_have_no_meaning_if_the_caller_says_so() -> None:
    source = make_text('a,b\n5" pipe,"x\n')

    assert read(source, options(quote=""))[1] == [(2, ['5" pipe', '"x'])]


def test_text_before_the_header_is_left_out() -> None:
    source = make_text("Kontakte 2024\n\nName;PLZ\nAda;01234\n")

    assert read(source) == (["Name", "PLZ"], [(4, ["Ada", "01234"])])


def test_a_table_without_a_header_has_numbered_columns() -> None:
    source = make_text("Ada,ada@acme.test\nBob,bob@acme.test\n")

    assert read(source) == (
        ["Column 1", "Column 2"],
        [(1, ["Ada", "ada@acme.test"]), (2, ["Bob", "bob@acme.test"])],
    )


def test_headers_are_unique_and_not_empty() -> None:
    source = make_text(' E-Mail ,E-Mail,,"Two\n lines",Column 3,E-Mail (2),,\n1,2,3,4,5,6\n')

    assert read(source, options())[0] == [
        "E-Mail",
        "E-Mail (3)",
        "Column 3 (2)",
        "Two lines",
        "Column 3",
        "E-Mail (2)",
    ]


def test_a_file_that_has_only_headers_has_no_rows() -> None:
    assert read(make_text("Name,Email\n"), options()) == (["Name", "Email"], [])


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "detail"),
    [
        (
            'a,b\n1,"x\n2,3\n',
            "quote_not_closed",
            2,
            3,
            (
                "The quote that opens in line 2, column 3 is never closed. "
                "Close it, double it, or read the file without quotes."
            ),
        ),
        (
            'a,b\n"p""q","r" s\n',
            "quote_misplaced",
            2,
            11,
            (
                "Line 2, column 11: a quoted value goes on after its closing quote. "
                "Double the quotes within the value, or read the file without quotes."
            ),
        ),
        (
            f"a,b\n1,{'x' * (LONGEST_FIELD + 1)}\n",
            "value_too_long",
            2,
            None,
            "Line 2 has a value that is longer than 131,072 characters.",
        ),
        (
            f'a,b\n1,"{"x" * 100}\n{"y" * LONGEST_FIELD}\n2,3\n',
            "quote_not_closed",
            2,
            3,
            (
                "The quote that opens in line 2, column 3 is not closed within 131,072 characters. "
                "Close it, double it, or read the file without quotes."
            ),
        ),
        (
            f"a,b\n1,2\n{'x' * LONGEST_RECORD}",
            "row_too_long",
            3,
            None,
            "The row that starts in line 3 is longer than 8,388,608 characters.",
        ),
        (
            "a,b\n" + "," * MAX_COLUMNS + "\n",
            "too_many_columns",
            None,
            MAX_COLUMNS + 1,
            "The file has 1,001 columns; at most 1,000 are read. Delete those that are not needed.",
        ),
        (
            ",".join(f"column {number}" for number in range(20_000)),
            "too_many_columns",
            None,
            MAX_COLUMNS + 1,
            "The file has 20,000 columns; at most 1,000 are read. Delete those that are not needed.",
        ),
    ],
    ids=["never closed", "misplaced", "value", "not closed", "row", "columns", "headers"],
)
def test_what_cannot_be_read_is_refused_with_its_place(
    text: str, code: str, line: int | None, column: int | None, detail: str
) -> None:
    refused = refuse(make_text(text), options())

    assert (refused.code, refused.line, refused.column, refused.detail) == (code, line, column, detail)


def test_the_header_must_be_within_the_file() -> None:
    refused = refuse(make_text("a,b\n1,2\n"), options(header_row=9))

    assert (refused.code, refused.line, refused.detail) == (
        "no_header",
        9,
        "The file has no row 9, where its header should be.",
    )


def test_a_nul_is_refused_with_its_place() -> None:
    refused = refuse(Bytes(b"a,b\n1,2\nx,y\x00z\n"), options())

    assert (refused.code, refused.line, refused.column) == ("nul_character", 3, 4)


def test_memory_does_not_depend_on_the_number_of_rows(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    path.write_text("name;email\n" + "Ada Lovelace;ada@acme.test\n" * 50_000)
    tracemalloc.start()
    try:
        with open_table(OnDisk(path), options(";")) as table:
            count = sum(1 for _ in table.rows())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert count == 50_000
    assert peak < 1_000_000
