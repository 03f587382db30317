"""Any table of text that is written in any way that can hold it reads back equal."""

from __future__ import annotations

import csv
import io
import json
from typing import Literal

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from importsvc.files.reading.encodings import ENCODINGS
from importsvc.files.reading.tables import ReadOptions
from tests.files.builders import Bytes, make_workbook, read

# Characters that every format can hold: no NUL, no half of a pair, no control character that XML forbids.
CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff\ufeff")
SPECIAL = st.sampled_from(['"', "'", ",", ";", "\t", "\n", "\r\n", "\r", " ", "0", "=", "é", "€", "ß", "日"])
CELLS = st.lists(SPECIAL | CHARACTERS, max_size=6).map("".join)
Quoting = Literal[0, 1]  # QUOTE_MINIMAL, QUOTE_ALL
MARKED = {"utf-8": "utf-8-sig", "utf-16-le": "utf-16"}


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    """Rows of text that all have the same width."""
    width = draw(st.integers(1, 4))
    return draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=5))


def write_csv(rows: list[list[str]], *, separator: str, quote: str, end: str, quoting: Quoting) -> str:
    text = io.StringIO(newline="")
    # The writer does not quote ends of lines that it does not write itself.
    quoting = csv.QUOTE_ALL if any("\r" in cell or "\n" in cell for row in rows for cell in row) else quoting
    csv.writer(text, delimiter=separator, quotechar=quote, lineterminator=end, quoting=quoting).writerows(rows)
    return text.getvalue()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(
    rows=tables(),
    separator=st.sampled_from([",", ";", "\t", "|", "^", "`", ":", " ", "x", "é"]),
    quote=st.sampled_from(['"', "'", "%"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    encoding=st.sampled_from(sorted(ENCODINGS)),
    is_marked=st.booleans(),
)
def test_text_in_any_dialect_and_encoding_that_can_hold_it(
    rows: list[list[str]], separator: str, quote: str, end: str, quoting: Quoting, encoding: str, is_marked: bool
) -> None:
    text = write_csv(rows, separator=separator, quote=quote, end=end, quoting=quoting)
    # A file cannot begin with a mark that is text, or with a line that names a separator.
    assume(not text.lower().lstrip('"').startswith("sep="))
    codec = ENCODINGS[encoding]
    try:
        content = text.encode(MARKED.get(encoding, codec) if is_marked else codec)
    except UnicodeEncodeError:
        assume(False)
    assume(content.decode(MARKED.get(encoding, codec) if is_marked else codec) == text)
    options = ReadOptions("csv", encoding=encoding, separator=separator, quote=quote, header_row=0)

    assert [cells for _, cells in read(Bytes(content), options)[1]] == rows


@settings(max_examples=12, deadline=None)
@given(rows=tables())
def test_the_same_table_as_csv_xlsx_and_json(rows: list[list[str]]) -> None:
    # A workbook has one kind of line end, and no cell whose text is empty.
    rows = [[cell.replace("\r\n", "\n").replace("\r", "\n") for cell in row] for row in rows]
    assume(all(any(cell.strip() for cell in row) for row in rows))
    headers = [f"header {number}" for number in range(len(rows[0]))]
    text = write_csv([headers, *rows], separator=";", quote='"', end="\r\n", quoting=csv.QUOTE_MINIMAL)
    objects = [dict(zip(headers, row, strict=True)) for row in rows]
    sources = [
        (Bytes(text.encode()), ReadOptions("csv", encoding="utf-8", separator=";", quote='"')),
        (make_workbook([headers, *rows]), ReadOptions("xlsx")),
        (Bytes(json.dumps(objects).encode()), ReadOptions("json")),
        (Bytes("\n".join(map(json.dumps, objects)).encode()), ReadOptions("json_lines")),
    ]

    for source, options in sources:
        found_headers, found = read(source, options)
        padded = [[cell or "" for cell in [*cells, *[""] * len(headers)][: len(headers)]] for _, cells in found]
        assert (found_headers, padded) == (headers, rows)
