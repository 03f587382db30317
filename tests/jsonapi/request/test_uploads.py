"""Requests that bring a file: its name, its bytes, and forms."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.request import Request

from importsvc.jsonapi.errors import RequestError
from importsvc.jsonapi.request.uploads import FileParser, UploadedFile, read_file_name, read_upload

FORM = "multipart/form-data; boundary=XX"
ONE_FILE = (
    b"--XX\r\n"
    b'Content-Disposition: form-data; name="file"; filename="Kunden M\xc3\xbcnchen.csv"\r\n'
    b"Content-Type: text/csv\r\n"
    b"\r\n"
    b"a;b\r\n1;2\r\n"
    b"\r\n--XX--\r\n"
)


class View:
    """What the parser needs of a view."""

    body_digest = ""
    action = "create"
    file_actions = frozenset({"create"})


def upload(body: bytes, content_type: str, **headers: str) -> UploadedFile:
    sent: Any = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    request = Request(RequestFactory().generic("POST", "/", body, content_type, **sent))
    return FileParser().parse(io.BytesIO(body), content_type, {"request": request, "view": View()})


def read(uploaded: UploadedFile) -> bytes:
    with uploaded.content.open() as reader:
        return reader.read()


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("", ""),
        ("attachment", ""),
        ("attachment; filename=people.csv", "people.csv"),
        ('attachment; filename="people of \\"Acme\\".csv"', 'people of "Acme".csv'),
        ("attachment; filename*=UTF-8''Kunden%20M%C3%BCnchen.csv", "Kunden München.csv"),
        ("attachment; filename*=iso-8859-1'de'M%FCller.csv", "Müller.csv"),
        ("attachment; filename=plain.csv; filename*=UTF-8''%E2%82%AC.csv", "€.csv"),
        ("attachment; filename*=UTF-8''%E2%82%AC.csv; filename=plain.csv", "€.csv"),
        # As servers pass on what browsers send: UTF-8, taken for Latin-1.
        ('form-data; name="file"; filename="M\u00c3\u00bcller.csv"', "Müller.csv"),
        ('form-data; filename="M\u00fcller.csv"', "Müller.csv"),
        ("attachment; filename=/etc/passwd", "passwd"),
        ('attachment; filename="C:\\Users\\Ada\\people.xlsx"', "people.xlsx"),
        ("attachment; filename=../../..", ".."),
        ("attachment; filename*=UTF-8''a%00b%0d%0a%E2%80%AEc.csv", "abc.csv"),
        ("attachment; filename*=nonsense''%FF.csv", "ÿ.csv"),
        (f"attachment; filename={'a' * 300}", "a" * 255),
        ("attachment; FILENAME=people.csv", "people.csv"),
    ],
)
def test_the_name_is_the_last_part_of_the_given_path(disposition: str, name: str) -> None:
    assert read_file_name(disposition) == name


@given(st.text(max_size=50))
def test_any_header_has_a_name_that_can_be_stored(header: str) -> None:
    name = read_file_name(f"attachment; filename={header}")

    assert len(name) <= 255
    assert "\x00" not in name
    name.encode()


def test_the_body_is_the_file() -> None:
    uploaded = upload(b"a,b\n", "text/csv; charset=utf-8", content_disposition="attachment; filename=a.csv")

    assert (uploaded.name, uploaded.content_type, read(uploaded)) == ("a.csv", "text/csv; charset=utf-8", b"a,b\n")
    assert uploaded.sha256 == hashlib.sha256(b"a,b\n").hexdigest()


def test_the_file_of_a_form_is_read_like_a_body() -> None:
    uploaded = upload(ONE_FILE, FORM)

    assert (uploaded.name, uploaded.content_type) == ("Kunden München.csv", "text/csv")
    assert read(uploaded) == b"a;b\r\n1;2\r\n"
    assert uploaded.sha256 == upload(b"a;b\r\n1;2\r\n", "text/csv").sha256


def test_a_form_is_read_in_pieces_of_any_size() -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(1)

    request = Request(RequestFactory().generic("POST", "/", ONE_FILE, FORM))
    uploaded = FileParser().parse(Slow(ONE_FILE), FORM, {"request": request, "view": View()})

    assert (uploaded.name, read(uploaded)) == ("Kunden München.csv", b"a;b\r\n1;2\r\n")


def part(name: str, *, filename: bool = True) -> bytes:
    file = f'; filename="{name}"' if filename else ""
    return f'--XX\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\nabc\r\n'.encode()


@pytest.mark.parametrize(
    ("body", "content_type", "because"),
    [
        (b"--XX--\r\n", FORM, "it has no part with a file"),
        (part("note", filename=False) + b"--XX--\r\n", FORM, "its part 'note' is no file"),
        (part("a") + part("b") + b"--XX--\r\n", FORM, "it has more than one file"),
        (part("a"), FORM, "it ends before its last boundary"),
        (part("a") + b"--XX--\r\n", "multipart/form-data", "its Content-Type has no boundary"),
        (b"a,b\n", FORM, "it is malformed (Expected boundary character 45, got 97 at index 2)"),
        (b"--XX\r\nContent\x00: a\r\n\r\n", FORM, None),
        (b"--XX\r\n" + b"A: b\r\n" * 5_000, FORM, None),
        (part("a") + b"--XX--\r\n", f"multipart/form-data; boundary={'x' * 500}", None),
    ],
)
def test_a_form_without_exactly_one_file_is_refused(body: bytes, content_type: str, because: str | None) -> None:
    with pytest.raises(RequestError) as refused:
        upload(body, content_type)

    assert refused.value.code == "bad_request"
    start = "The form must have one part with a file, and nothing else: "
    assert refused.value.detail.startswith(start)
    if because:
        assert refused.value.detail == start + because


def test_a_compressed_body_is_refused() -> None:
    with pytest.raises(RequestError) as refused:
        upload(b"\x1f\x8b", "text/csv", content_encoding="gzip")

    assert refused.value.code == "unsupported_media_type"


def test_a_request_without_a_body_has_an_empty_file() -> None:
    request = Request(RequestFactory().generic("POST", "/", HTTP_CONTENT_TYPE="text/csv"))

    uploaded = read_upload(request)

    assert (uploaded.content.size, uploaded.content_type) == (0, "text/csv")
