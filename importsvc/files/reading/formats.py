"""The format of a file by its first bytes, and the refusal of those that are not read. Pure: no Django, no database."""

from __future__ import annotations

import re
import zipfile
from typing import BinaryIO

from importsvc.files.reading.encodings import decode_start
from importsvc.files.reading.tables import CSV, JSON, JSON_LINES, ODS, XLSX, FileRefused, Source

_START = 64 * 1024

_SAVE_AS = "Save it as .xlsx or .csv."
# The first bytes of files that are not read, what they are, and what to do.
_OTHERS = {
    b"%PDF": ("a PDF", "Export the table that it was made from as .xlsx or .csv."),
    b"\x89PNG": ("an image", "Type the table into a spreadsheet and save it as .xlsx or .csv."),
    b"\xff\xd8\xff": ("an image", "Type the table into a spreadsheet and save it as .xlsx or .csv."),
    b"GIF8": ("an image", "Type the table into a spreadsheet and save it as .xlsx or .csv."),
    b"BM": ("an image", "Type the table into a spreadsheet and save it as .xlsx or .csv."),
    b"II*\x00": ("an image", "Type the table into a spreadsheet and save it as .xlsx or .csv."),
    b"RIFF": ("an image, a sound or a film", _SAVE_AS),
    b"\x1f\x8b": ("compressed (gzip)", "Unpack it first."),
    b"BZh": ("compressed (bzip2)", "Unpack it first."),
    b"\xfd7zXZ": ("compressed (xz)", "Unpack it first."),
    b"7z\xbc\xaf": ("a 7z archive", "Unpack it first."),
    b"Rar!": ("a RAR archive", "Unpack it first."),
    b"PAR1": ("a Parquet file", "Export it as .csv."),
    b"SQLite format 3": ("an SQLite database", "Export the table as .csv."),
    b"\x7fELF": ("a program", _SAVE_AS),
    b"{\\rtf": ("an RTF document", _SAVE_AS),
}
# Text formats that are not tables: the first characters, without regard to case.
_MARKUP = {"<!doctype html": "a web page", "<html": "a web page", "<table": "a web page", "<?xml": "an XML document"}
# Two bytes that may begin a text as well; an image goes on with bytes that no text has.
_WEAK = (b"BM",)

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_ODS_TYPE = b"application/vnd.oasis.opendocument.spreadsheet"
_JSON_START = re.compile(r'\[\s*(?:[\[{"\d\-\]]|true|false|null|$)|\{\s*(?:["}]|$)')


def find_format(source: Source, *, content_type: str | None = None) -> tuple[str, float]:
    """The format of a file, and the confidence.

    The first bytes decide; the name and the ``content_type`` only between formats of text.

    Raises:
        FileRefused: the file is empty, or has a format that is not read. The detail says what to do.
    """
    with source.open() as stream:
        start = stream.read(_START)
        if not start:
            raise FileRefused("empty_file", "The file is empty.")
        if start.startswith(_ZIP):
            return _find_format_of_zip(stream), 1.0
        if start.startswith(_OLE):
            stream.seek(0)
            raise _refuse_ole(stream)
    for mark, (what, advice) in _OTHERS.items():
        if start.startswith(mark) and (mark not in _WEAK or b"\x00" in start[:32]):
            raise FileRefused("format_unknown", f"The file is {what}, not a table. {advice}")
    text = decode_start(start).lstrip()
    for beginning, what in _MARKUP.items():
        if text[:20].lower().startswith(beginning):
            raise FileRefused(
                "format_unknown", f"The file is {what}, not a table. Open it in a spreadsheet program. {_SAVE_AS}"
            )
    if not text and source.size <= len(start):
        raise FileRefused("empty_file", "The file has only blank lines.")
    return _find_format_of_text(text, source.name.lower(), content_type or "")


def _find_format_of_text(text: str, name: str, content_type: str) -> tuple[str, float]:
    if name.endswith((".csv", ".tsv", ".tab")) or content_type.startswith(("text/csv", "text/tab-separated-values")):
        return CSV, 1.0
    is_lines = name.endswith((".jsonl", ".ndjson")) or "ndjson" in content_type or "jsonl" in content_type
    if is_lines:
        return JSON_LINES, 1.0
    if not _JSON_START.match(text):
        return CSV, 0.9
    if text.startswith("["):
        return JSON, 0.95
    # JSON Lines: the first line is an object by itself, and another one follows.
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) > 1 and lines[0].rstrip().endswith("}") and lines[1].lstrip().startswith("{"):
        return JSON_LINES, 0.95
    # A single row of JSON Lines has values in its members, not arrays of rows.
    is_row = len(lines) == 1 and not re.match(r'\{\s*"[^"]*"\s*:\s*\[', text) and not name.endswith(".json")
    return (JSON_LINES, 0.8) if is_row else (JSON, 0.9)


def _find_format_of_zip(stream: BinaryIO) -> str:
    try:
        with zipfile.ZipFile(stream) as archive:
            names = set(archive.namelist())
            if "mimetype" in names:
                with archive.open("mimetype") as member:
                    if member.read(len(_ODS_TYPE) + 1).strip() == _ODS_TYPE:
                        return ODS
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError):
        detail = "The file is damaged: it begins as a workbook and is cut off or changed. Save it again."
        raise FileRefused("workbook_damaged", detail) from None
    if "xl/workbook.xml" in names or any(re.fullmatch(r"xl/workbook\d*\.xml", name) for name in names):
        return XLSX
    if "xl/workbook.bin" in names:
        raise FileRefused("format_unknown", "The file is a binary workbook (.xlsb). Save it as .xlsx.")
    if "word/document.xml" in names:
        raise FileRefused("format_unknown", f"The file is a Word document, not a table. {_SAVE_AS}")
    detail = "The file is a ZIP archive. Unpack it, and send the table that is in it."
    raise FileRefused("format_unknown", detail)


def _refuse_ole(stream: BinaryIO) -> FileRefused:
    """The refusal of an OLE container: an encrypted workbook, or a file of Office 2003 and earlier."""
    before = b""
    while content := stream.read(1 << 20):
        if _ENCRYPTED in before + content:
            detail = "The workbook is protected by a password. Remove the password and save it again."
            return FileRefused("workbook_encrypted", detail)
        before = content[-len(_ENCRYPTED) :]
    return FileRefused("format_unknown", f"The file has an old format of Office, such as .xls or .doc. {_SAVE_AS}")
