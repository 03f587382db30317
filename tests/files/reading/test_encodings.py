"""Encodings: marks, strict UTF-8 over the whole file, older encodings, and the places of what cannot be decoded."""

from __future__ import annotations

import codecs

import pytest

from importsvc.files.reading.encodings import READ_SIZE, examine_text, find_encoding
from importsvc.files.reading.tables import FileRefused
from tests.files.builders import Bytes, make_text, read, refuse

GERMAN = "Vorname;Straße;Stadt\nJürgen;Königsallee;Köln\nJörg;Süßer Weg;Würzburg\n"
CROATIAN = "Ime;Prezime;Grad\nŽeljko;Đurić;Šibenik\nŠime;Čačić;Požega\nĐurđa;Ćosić;Đakovo\n"
RUSSIAN = "Имя;Фамилия;Город\nИван;Иванов;Москва\nОльга;Петрова;Санкт-Петербург\n"


@pytest.mark.parametrize(
    ("text", "codec", "encoding"),
    [
        (GERMAN, "utf-8", "utf-8"),
        (GERMAN, "utf-8-sig", "utf-8"),
        (GERMAN, "utf-16", "utf-16-le"),
        (GERMAN, "utf-16-le", "utf-16-le"),
        (GERMAN, "utf-16-be", "utf-16-be"),
        (GERMAN, "utf-32", "utf-32-le"),
        (GERMAN, "cp1252", "windows-1252"),
        ("Name;Preis\nJosé;20 €\n", "cp1252", "windows-1252"),
        (CROATIAN, "cp1250", "windows-1250"),
        (RUSSIAN, "cp1251", "windows-1251"),
        (RUSSIAN, "utf-16", "utf-16-le"),
        ("a;b\n1;2\n", "ascii", "utf-8"),
    ],
)
def test_the_encoding_is_found_and_the_text_is_read(text: str, codec: str, encoding: str) -> None:
    source = make_text(text, codec)

    assert examine_text(source).encoding == encoding
    assert read(source)[0] == text.splitlines()[0].split(";")
    assert [cells for _, cells in read(source)[1]] == [line.split(";") for line in text.splitlines()[1:]]


def test_a_letter_of_windows_1252_far_into_the_file_is_noticed() -> None:
    content = b"name;city\n" + b"Ada;London\n" * 200_000

    assert examine_text(Bytes(content + "Zoë;Köln\n".encode("cp1252"))) == ("windows-1252", 0.5, 200_002)
    assert examine_text(Bytes(content + "Zoë;Köln\n".encode())) == ("utf-8", 1.0, 200_002)


def test_a_character_may_lie_across_two_reads() -> None:
    content = b"a" * (READ_SIZE - 1) + "é\nü\n".encode()

    assert examine_text(Bytes(content)) == ("utf-8", 1.0, 2)


@pytest.mark.parametrize(
    ("content", "count"),
    [
        (b"a\nb", 2),
        (b"a\nb\n", 2),
        (b"a\rb\r", 2),
        (b"a\r\nb\r\n\r\n", 3),
        (b"a" * (READ_SIZE - 1) + b"\r\nb", 2),
        (b"a" * (READ_SIZE - 1) + b"\rb", 2),
        ("a\r\nb\n".encode("utf-16"), 2),
    ],
)
def test_physical_lines_are_counted(content: bytes, count: int) -> None:
    assert examine_text(Bytes(content)).line_count == count


def test_damaged_utf_8_is_refused_with_the_first_place_and_the_number_of_lines() -> None:
    content = "name\r\nZoë\r\nJürgen\r\nMüller\r\n".encode() + b"ab\xffcd\r\nx\r\nK\xfcln\r\n"

    refused = refuse(Bytes(content))

    assert (refused.code, refused.line, refused.column) == ("not_decodable", 5, 3)
    assert refused.detail == (
        "Line 5, column 3 has a character that is not utf-8 (byte FF). 1 more line has such characters. "
        "Name the encoding that the file has, or save it as UTF-8."
    )


@pytest.mark.parametrize(
    ("content", "encoding", "line", "column"),
    [
        (b"a\r" * (READ_SIZE // 2) + b"\n\x81", "windows-1252", READ_SIZE // 2 + 1, 1),
        (b"x" * READ_SIZE + b"\xe9", "utf-8", 1, READ_SIZE + 1),
        (b"\xef\xbb\xbfa\n\xe9", "utf-8", 2, 1),
        ("a\nb".encode("utf-16-le") + b"\x00\xd8", "utf-16-le", 2, 2),
        (b"a\nb\xe3", "utf-8", 2, 2),
        ("あ\n".encode("shift_jis") + b"\xff", "shift_jis", 2, 1),
    ],
)
def test_what_the_named_encoding_cannot_decode_is_refused_with_its_place(
    content: bytes, encoding: str, line: int, column: int
) -> None:
    with pytest.raises(FileRefused) as refused:
        examine_text(Bytes(content), encoding=encoding)

    assert (refused.value.code, refused.value.line, refused.value.column) == ("not_decodable", line, column)


def test_a_nul_is_refused_with_its_place() -> None:
    refused = refuse(Bytes(b"a,b\n" + b"1,2\n" * 50 + b"x\x00,y\n"))

    assert (refused.code, refused.line, refused.column) == ("nul_character", 52, 2)
    assert refused.detail == "Line 52, column 2 has a NUL character: the file is damaged, or not text."


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("latin1", "iso-8859-1"),
        ("CP1252", "windows-1252"),
        ("utf8", "utf-8"),
        ("UTF-8-SIG", "utf-8"),
        ("sjis", "shift_jis"),
        ("mac_roman", "macintosh"),
    ],
)
def test_other_names_of_encodings_are_known(name: str, encoding: str) -> None:
    assert find_encoding(name) == encoding


@pytest.mark.parametrize("name", ["", "klingon", "hex", "punycode", "unicode_escape", "utf-7", "\x00"])
def test_what_is_no_encoding_of_files_is_refused(name: str) -> None:
    with pytest.raises(FileRefused, match=r"is not known\. Known are utf-8, ") as refused:
        find_encoding(name)

    assert refused.value.code == "encoding_unknown"


def test_the_mark_is_no_part_of_the_first_header() -> None:
    assert read(Bytes(codecs.BOM_UTF8 + b'"Name";b\n1;2\n'))[0] == ["Name", "b"]
