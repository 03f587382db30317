"""Whatever a caller says of a file, and whatever the file has, there are rows or a refusal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from importsvc.files.mapping.document import Formats, Mapping, write_mapping
from importsvc.files.mapping.parsing import read_mapping
from importsvc.files.mapping.problems import find_problems
from importsvc.files.mapping.refusals import MappingInvalid, Problem
from importsvc.files.mapping.rows import RowMapper
from importsvc.files.reading.detecting import detect
from importsvc.files.reading.tables import Fault, TableRow
from tests.files.builders import Bytes
from tests.files.mapping.test_rows import fold

WORDS = ["A", "B", "person.first_name", "company.name", "person.company", "company.due_days", "person.custom_fields.x",
         "person.tag_list", "split", "join", "constant", "first_space", "date", "number", "*", " "]  # fmt: skip
NAMES = ["columns", "headers", "targets", "steps", "step", "at", "separator", "value", "values", "kind", "sheet",
         "ignored", "formats", "date_order", "match_by", "on_duplicate"]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip
COLUMN = st.fixed_dictionaries(
    {
        "headers": st.lists(st.sampled_from("AB"), max_size=2),
        "targets": st.lists(st.sampled_from(WORDS[2:8]), max_size=2),
    },
    optional={
        "steps": st.lists(
            st.sampled_from(
                [
                    {"step": "constant", "value": 1.5},
                    {"step": "split", "at": "first_space"},
                    {"step": "join", "separator": ""},
                    {"step": "strip_prefix", "prefix": "x"},
                ]
            ),
            max_size=2,
        ),
        "values": st.dictionaries(st.text(max_size=2), st.none() | st.booleans() | st.text(max_size=2), max_size=2),
        "kind": st.sampled_from(["text", "number", "date", "boolean"]),
    },
)  # fmt: skip
CELL = st.one_of(
    st.text(max_size=4),
    st.none() | st.booleans() | st.integers() | st.floats(),
    st.dates() | st.times() | st.just(datetime(2026, 1, 5, 1)) | st.just(time(1)) | st.just(date(2026, 1, 5)),
    st.just(Fault("#N/A", "is the error #N/A of the workbook", is_error=True)),
    st.just({"a": [1]}) | st.just([{}]) | st.just([float("inf")]),
    st.sampled_from(
        ["1.234,5", "€", "-", "+", "31.12.99", "31.02.2026", "0.0.0", "9999-99-99", "12 12", "\ud800", "²"]
    ),
)


TABLE = st.lists(st.lists(CELL, max_size=4), max_size=4)


def try_to_read(value: Any) -> tuple[Mapping | None, Sequence[Problem]]:
    """The mapping, or its problems."""
    try:
        return read_mapping(value), ()
    except MappingInvalid as refused:
        return None, refused.problems


@given(JSON)
@settings(max_examples=150, deadline=None)
def test_any_json_is_a_mapping_or_is_refused_with_problems(value: Any) -> None:
    mapping, problems = try_to_read(value)

    if mapping is None:
        assert problems
        assert all(problem.code and problem.message for problem in problems)
    else:
        assert read_mapping(json.loads(json.dumps(write_mapping(mapping), allow_nan=False))) == mapping


@given(st.lists(COLUMN, max_size=4), TABLE, st.sampled_from([None, ".", ","]))
@settings(max_examples=150, deadline=None)
def test_any_cells_become_rows_that_can_be_stored(columns: Any, table: Any, sign: Any) -> None:
    mapping, _ = try_to_read({"columns": columns, "on_duplicate": "update", "ignored": ["*"]})
    detection = detect(Bytes(b"A;B\nx;y\nx;y\n"))
    if mapping is None or find_problems(mapping, headers=["A", "B"], sheet=None, detection=detection):
        return
    mapper = RowMapper(mapping, headers=["A", "B"], sheet=None, formats=Formats("dmy", sign), fold=fold)

    for chunk in mapper.map_rows(TableRow(line, cells) for line, cells in enumerate(table, start=2)):
        rows = json.loads(f"[{chunk.text}]", parse_constant=lambda name: 1 / 0)
        assert len(rows) == chunk.row_count == len(chunk.lines)
        assert all(rows)
        assert chunk.text.encode()
