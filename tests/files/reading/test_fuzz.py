"""Bytes that no program wrote are read or refused; nothing else is raised."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from importsvc.files.reading.detecting import detect
from importsvc.files.reading.opening import open_table
from importsvc.files.reading.tables import FORMATS, FileRefused
from tests.files.builders import Bytes, change_part, make_workbook
from tests.files.reading.test_workbooks import SHEET, fill_with_everything

TEXTS = [
    b'a;b\r\n"x\r\ny";1\r\n',
    "é;b\n1;2\n".encode("cp1252"),
    "a,b\n1,2\n".encode("utf-16"),
    b'[{"a": 1}, {"b": {"c": [1]}}]',
    b'{"a": 1}\n{"b": 2}\n',
    b'{"person": [{"a": 1}]}',
    b"sep=;\na;b\n",
]
PARTS = [SHEET, "xl/workbook.xml", "xl/styles.xml", "xl/sharedStrings.xml", "xl/_rels/workbook.xml.rels"]
INSERTED = st.binary(max_size=3) | st.sampled_from(
    [b'"', b"<", b">", b"&", b"{", b"[", b"9" * 20, b"1e999", b"NaN", b"-1"]
)
CHANGES = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 4), INSERTED), min_size=1, max_size=3)
OPTIONS = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "format": st.sampled_from(FORMATS),
        "header_row": st.sampled_from([0, 1, 2, 999]),
        "encoding": st.sampled_from(["utf-8", "utf-16-le", "cp932"]),
        "quote": st.sampled_from(["", "'"]),
        "sheet": st.sampled_from(["Data", "person"]),
    },
)
WORKBOOK = make_workbook(fill=fill_with_everything)


def change(content: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    """The content with bytes replaced by others at some places."""
    for place, removed, inserted in changes:
        at = int(place * len(content))
        content = content[:at] + inserted + content[at + removed :]
    return content


def read_or_refuse(source: Bytes, options: dict[str, Any] | None = None) -> None:
    """Read the file to its end, or be refused with a sentence."""
    try:
        with open_table(source, detect(source, options=options).options()) as table:
            sentences = [f"{row.line}." for row in table.rows()]
    except FileRefused as refused:
        sentences = [refused.detail]

    assert all(sentence.endswith(".") for sentence in sentences)


@settings(max_examples=200, deadline=None)
@given(
    text=st.sampled_from(TEXTS),
    changes=CHANGES,
    name=st.sampled_from(["", "a.csv", "a.json", "a.jsonl"]),
    options=OPTIONS,
)
def test_text(text: bytes, changes: list[tuple[float, int, bytes]], name: str, options: dict[str, Any] | None) -> None:
    read_or_refuse(Bytes(change(text, changes), name), options)


@settings(max_examples=20, deadline=None)
@given(part=st.sampled_from(PARTS), changes=CHANGES)
def test_parts_of_workbooks(part: str, changes: list[tuple[float, int, bytes]]) -> None:
    read_or_refuse(change_part(WORKBOOK, part, lambda content: change(content, changes)))


@settings(max_examples=25, deadline=None)
@given(changes=CHANGES)
def test_archives(changes: list[tuple[float, int, bytes]]) -> None:
    read_or_refuse(Bytes(change(WORKBOOK.content, changes)))
