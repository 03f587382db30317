"""The format of a file, and what to do with files that are not read."""

from __future__ import annotations

import gzip

import pytest

from importsvc.files.reading.formats import find_format
from tests.files.builders import Bytes, make_text, make_workbook, make_zip, refuse

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 504


@pytest.mark.parametrize(
    ("text", "name", "content_type", "format_"),
    [
        ("a,b\n1,2\n", "", None, "csv"),
        ("[note],b\n1,2\n", "", None, "csv"),
        ('["a"]', "data.csv", None, "csv"),
        ('{"a": 1}', "data.txt", "text/csv; charset=utf-8", "csv"),
        ('{"a": 1}\n{"a": 2}\n', "", None, "json_lines"),
        ('{"a": 1}\n', "", None, "json_lines"),
        ('{"a": 1}', "data.jsonl", None, "json_lines"),
        ("1", "data", "application/x-ndjson", "json_lines"),
        ('[{"a": 1}]', "", None, "json"),
        ('  [\n  {"a": 1}\n]', "", None, "json"),
        ('{"person": [{"a": 1}]}', "", None, "json"),
        ('{\n  "person": []\n}', "", None, "json"),
    ],
)
def test_the_format_of_text_is_found(text: str, name: str, content_type: str | None, format_: str) -> None:
    assert find_format(make_text(text, name=name), content_type=content_type)[0] == format_


def test_the_first_bytes_decide_whatever_the_name_says() -> None:
    workbook = Bytes(make_workbook([["a"]]).content, "data.csv")

    assert find_format(workbook, content_type="text/csv") == ("xlsx", 1.0)


@pytest.mark.parametrize(
    ("source", "code", "detail"),
    [
        (
            Bytes(b"%PDF-1.7\n"),
            "format_unknown",
            "The file is a PDF, not a table. Export the table that it was made from as .xlsx or .csv.",
        ),
        (
            Bytes(b"\x89PNG\r\n\x1a\n"),
            "format_unknown",
            "The file is an image, not a table. Type the table into a spreadsheet and save it as .xlsx or .csv.",
        ),
        (
            Bytes(gzip.compress(b"a,b")),
            "format_unknown",
            "The file is compressed (gzip), not a table. Unpack it first.",
        ),
        (
            Bytes(b"\n <!DOCTYPE HTML><table>"),
            "format_unknown",
            "The file is a web page, not a table. Open it in a spreadsheet program. Save it as .xlsx or .csv.",
        ),
        (
            Bytes(OLE + b"Workbook"),
            "format_unknown",
            "The file has an old format of Office, such as .xls or .doc. Save it as .xlsx or .csv.",
        ),
        (
            Bytes(OLE + "EncryptedPackage".encode("utf-16-le")),
            "workbook_encrypted",
            "The workbook is protected by a password. Remove the password and save it again.",
        ),
        (
            make_zip([("word/document.xml", b"<w/>")]),
            "format_unknown",
            "The file is a Word document, not a table. Save it as .xlsx or .csv.",
        ),
        (
            make_zip([("xl/workbook.bin", b"")]),
            "format_unknown",
            "The file is a binary workbook (.xlsb). Save it as .xlsx.",
        ),
        (
            make_zip([("people.csv", b"a,b")]),
            "format_unknown",
            "The file is a ZIP archive. Unpack it, and send the table that is in it.",
        ),
        (
            Bytes(make_workbook([["a"]]).content[:2_000]),
            "workbook_damaged",
            "The file is damaged: it begins as a workbook and is cut off or changed. Save it again.",
        ),
        (Bytes(b""), "empty_file", "The file is empty."),
    ],
    ids=["pdf", "png", "gzip", "html", "xls", "encrypted", "docx", "xlsb", "zip", "truncated", "empty"],
)
def test_a_file_that_is_not_read_is_refused_with_what_to_do(source: Bytes, code: str, detail: str) -> None:
    refused = refuse(source)

    assert (refused.code, refused.detail) == (code, detail)


def test_a_text_may_begin_like_an_image() -> None:
    assert find_format(make_text("BMW,Audi\n1,2\n"))[0] == "csv"
