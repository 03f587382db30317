"""What is staged of a table is the same whatever format its file has, from the upload on."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importsvc.imports.models import StagedChunk, StagedRowError
from tests.client import ApiClient, document_of
from tests.files.mapping.test_formats_agree import (
    HEADERS,
    TEXT,
    write_csv,
    write_json,
    write_json_lines,
    write_xlsx,
)
from tests.files.uploads import upload

FORMATS = {
    "csv": (write_csv, "text/csv"),
    "xlsx": (write_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "json": (write_json, "application/json"),
    "json_lines": (write_json_lines, "application/x-ndjson"),
}
MAPPING = {
    "columns": [
        {"headers": ["Vorname"], "targets": ["person.first_name"]},
        {"headers": ["Firma"], "targets": ["company.name"]},
        {"headers": ["Tage"], "targets": ["company.due_days"]},
        {"headers": ["Aktiv"], "targets": ["person.custom_fields.active"], "kind": "boolean"},
    ],
    "formats": {"decimal_sign": "."},
}
ROWS = st.lists(st.tuples(TEXT, TEXT, st.integers(0, 10**6) | st.none(), st.booleans() | st.none()), max_size=5)
# A row that has every value, so that every format has all columns.
FIRST = ("Ada", "Reds", 30, True)


def stage(api: ApiClient, format_: str, rows: list[tuple[Any, ...]]) -> tuple[list[Any], list[Any]]:
    """The staged chunks without their places in the file, and the errors."""
    write, content_type = FORMATS[format_]
    file = upload(api, write(rows), name="", content_type=content_type)
    assert (file.format, [column["header"] for column in file.columns]) == (format_, HEADERS)
    linkage = {"import_file": {"data": {"type": "import_files", "id": str(file.pk)}}}
    attributes = {"mapping": MAPPING}
    response = api.send(
        "POST", "imports", {"data": {"type": "imports", "attributes": attributes, "relationships": linkage}}
    )
    assert response.status_code == 201, response.content
    made = {"import_record_id": document_of(response)["data"]["id"], "organization": api.caller.organization}
    chunks = StagedChunk.objects.filter(**made).order_by("number")
    errors = StagedRowError.objects.filter(**made).order_by("record_type", "row", "number")
    return (
        list(chunks.values_list("record_type", "first_row", "row_count", "rows", "keys")),
        list(errors.values_list("record_type", "row", "column", "value", "code", "message", "other_row")),
    )


@given(rows=ROWS)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_same_table_is_staged_equally_from_every_format(api: ApiClient, rows: list[tuple[Any, ...]]) -> None:
    table = [FIRST, *rows]

    staged = {format_: stage(api, format_, table) for format_ in FORMATS}

    assert staged == dict.fromkeys(FORMATS, staged["csv"])
    assert [chunk[0] for chunk in staged["csv"][0]] == ["company", "person"]
