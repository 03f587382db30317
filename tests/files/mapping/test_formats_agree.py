"""The rows of a table are the same whatever format its file has."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from importsvc.files.mapping.document import Formats
from importsvc.files.mapping.parsing import read_mapping
from importsvc.files.mapping.rows import RowMapper
from importsvc.files.reading.opening import open_table
from importsvc.files.reading.tables import ReadOptions
from tests.files.builders import Bytes
from tests.files.mapping.test_rows import fold

HEADERS = ["Vorname", "Firma", "Tage", "Aktiv"]
MAPPING = read_mapping(
    {
        "columns": [
            {"headers": ["Vorname"], "targets": ["person.first_name"]},
            {"headers": ["Firma"], "targets": ["company.name"]},
            {"headers": ["Tage"], "targets": ["company.due_days"]},
            {"headers": ["Aktiv"], "targets": ["person.custom_fields.active"], "kind": "boolean"},
        ]
    }
)
# Characters that XML, and so a workbook, can hold as they are.
TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0xD7FF, exclude_categories=["Cc", "Cs"]), max_size=8)
ROWS = st.lists(st.tuples(TEXT, TEXT, st.integers(0, 10**6) | st.none(), st.booleans() | st.none()), max_size=6)


def write_csv(rows: list[tuple[Any, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([HEADERS, *rows])
    return text.getvalue().encode()


def write_xlsx(rows: list[tuple[Any, ...]]) -> bytes:
    content = io.BytesIO()
    workbook = xlsxwriter.Workbook(content, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    worksheet = workbook.add_worksheet("Rows")
    for number, row in enumerate([HEADERS, *rows]):
        for position, cell in enumerate(row):
            worksheet.write(number, position, cell)
    workbook.close()
    return content.getvalue()


def write_json(rows: list[tuple[Any, ...]]) -> bytes:
    return json.dumps([dict(zip(HEADERS, row, strict=True)) for row in rows]).encode()


def write_json_lines(rows: list[tuple[Any, ...]]) -> bytes:
    return b"\n".join(json.dumps(dict(zip(HEADERS, row, strict=True))).encode() for row in rows)


def map_file(content: bytes, **options: Any) -> list[tuple[str, Any]]:
    """Type and rows of each type; chunks and lines depend on the format."""
    with open_table(Bytes(content), ReadOptions(**options)) as table:
        mapper = RowMapper(MAPPING, headers=table.headers, sheet=table.sheet, formats=Formats(None, "."), fold=fold)
        return [(chunk.type_name, chunk.text) for chunk in mapper.map_rows(table.rows())]


@given(ROWS)
@settings(max_examples=10, deadline=None)
def test_the_rows_of_csv_xlsx_json_and_json_lines_are_equal(rows: list[tuple[Any, ...]]) -> None:
    from_csv = map_file(write_csv(rows), format="csv", encoding="utf-8", separator=",", quote='"')

    assert map_file(write_xlsx(rows), format="xlsx") == from_csv
    if rows:
        assert map_file(write_json(rows), format="json", header_row=0) == from_csv
        assert map_file(write_json_lines(rows), format="json_lines", encoding="utf-8", header_row=0) == from_csv
