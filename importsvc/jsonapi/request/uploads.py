"""Requests whose body is a file: its bytes, or a form that has it (RFC 7578). They are no documents of JSON:API."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from email.utils import collapse_rfc2231_value
from typing import IO, Any, NoReturn

from django.conf import settings
from django.utils.http import parse_header_parameters
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser
from rest_framework.parsers import BaseParser

from importsvc.http import get_content_length
from importsvc.jsonapi.errors import RequestError
from importsvc.jsonapi.request.parsers import refuse_encoded_body
from importsvc.spool import SpooledFile

LONGEST_NAME = 255
FORM = "multipart/form-data"

# Bytes that are read at once.
_READ_BYTES = 1 << 16
# Characters that no file system and no header takes, and those that would hide the rest of the name.
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

Write = Callable[[bytes], None]


@dataclass(frozen=True)
class UploadedFile:
    """A file that a request has brought.

    Attributes:
        name: the last part of the path that the client gave; blank if it gave none.
        content_type: the media type that the client gave, with its parameters; blank if it gave none.
        sha256: of the content, in hex.
        content: the bytes.
    """

    name: str
    content_type: str
    sha256: str
    content: SpooledFile


class FileParser(BaseParser):
    """Reads the file of a request, in bounded memory.

    The body is the file, and ``Content-Disposition`` may name it; or the body is ``multipart/form-data`` with one part
    that has a filename, and no other part.
    """

    media_type = "*/*"

    def parse(  # type: ignore[override]  # the file is the value of ``request.data``
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> UploadedFile:
        """The file.

        Raises:
            RequestError: 413 if the body is too large, before it is read; 415 if it is compressed; 400 if a form is
                malformed, or has not one file.
            DiskFull: there is no room for it.
        """
        context = parser_context or {}
        request, view = context["request"], context["view"]
        refuse_encoded_body(request)
        if get_content_length(request.META) > settings.MAX_BODY_BYTES:
            detail = f"The request body is larger than {settings.MAX_BODY_BYTES} bytes"
            raise RequestError("payload_too_large", detail)
        content_type = request.content_type
        read = _read_form if _get_media_type(content_type) == FORM else _read_bytes
        uploaded = read(stream, content_type, request.headers.get("Content-Disposition", ""))
        # The boundary of a form differs from one attempt to the next.
        identity = "\n".join((uploaded.sha256, uploaded.name, uploaded.content_type))
        view.body_digest = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()
        return uploaded


def read_upload(request: Any) -> UploadedFile:
    """The file of a request; an empty one if it has no body.

    Raises:
        RequestError, DiskFull: see ``FileParser.parse``.
    """
    if request.stream is None:
        return _read_bytes(io.BytesIO(), request.content_type, request.headers.get("Content-Disposition", ""))
    uploaded: UploadedFile = request.data
    return uploaded


def read_file_name(disposition: str) -> str:
    """The name of a file by ``Content-Disposition`` (RFC 6266); blank if the header has none.

    ``filename*`` comes before ``filename``. Of a path the last part is taken, on any system. Characters of controls are
    left out, and the name is cut after 255 characters.
    """
    message = Message()
    message["Content-Disposition"] = disposition.replace("\r", " ").replace("\n", " ")
    try:
        found: list[Any] = [
            value for name, value in message.get_params([], "content-disposition") if name.lower() == "filename"
        ]
        extended = [collapse_rfc2231_value(value) for value in found if isinstance(value, tuple)]
    except (ValueError, LookupError, TypeError):  # an invalid RFC 2231 encoding
        return ""
    plain = [_decode(value) for value in found if isinstance(value, str)]
    name = next(iter([*extended, *plain]), "")
    return _NOT_IN_NAMES.sub("", re.split(r"[/\\]", name)[-1]).strip()[:LONGEST_NAME]


def _read_bytes(stream: IO[Any], content_type: str, disposition: str) -> UploadedFile:
    return _copy(stream, read_file_name(disposition), _clean_type(content_type))


def _copy(stream: IO[Any], name: str, content_type: str) -> UploadedFile:
    content, digest = SpooledFile(name), hashlib.sha256()
    while read := stream.read(_READ_BYTES):
        content.write(read)
        digest.update(read)
    return UploadedFile(name, content_type, digest.hexdigest(), content)


def _read_form(stream: IO[Any], content_type: str, _disposition: str) -> UploadedFile:
    form = _Form()
    try:
        boundary = parse_header_parameters(content_type)[1].get("boundary", "")
        if not boundary:
            _refuse_form("its Content-Type has no boundary")
        parser = MultipartParser(boundary.encode("latin-1"), form.callbacks)
        while read := stream.read(_READ_BYTES):
            parser.write(read)
        parser.finalize()
    except (FormParserError, ValueError) as error:
        _refuse_form(f"it is malformed ({error})")
    return form.get_file()


class _Form:
    """The parts of a form, as the parser tells of them."""

    def __init__(self) -> None:
        self._file: tuple[str, str, SpooledFile] | None = None
        self._digest = hashlib.sha256()
        self._headers: dict[str, str] = {}
        self._header = self._value = b""
        self._is_complete = False
        self.callbacks: Any = {
            "on_part_begin": self._begin_part,
            "on_header_field": self._add_to_header,
            "on_header_value": self._add_to_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._add_content,
            "on_end": self._end,
        }

    def get_file(self) -> UploadedFile:
        """The file of the form.

        Raises:
            RequestError: there is none, or the form has no end.
        """
        if not self._is_complete:
            _refuse_form("it ends before its last boundary")
        if self._file is None:
            _refuse_form("it has no part with a file")
        name, content_type, content = self._file
        return UploadedFile(name, content_type, self._digest.hexdigest(), content)

    def _begin_part(self) -> None:
        self._headers = {}

    def _add_to_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add_to_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._header.decode("latin-1").lower()] = self._value.decode("latin-1")
        self._header = self._value = b""

    def _end_headers(self) -> None:
        disposition = self._headers.get("content-disposition", "")
        if "filename" not in disposition.lower():
            name = _get_parameter(disposition, "name")
            _refuse_form(f"its part '{_decode(name)}' is no file")
        if self._file is not None:
            _refuse_form("it has more than one file")
        name = read_file_name(disposition)
        self._file = name, _clean_type(self._headers.get("content-type", "")), SpooledFile(name)

    def _add_content(self, data: bytes, start: int, end: int) -> None:
        assert self._file is not None  # noqa: S101 - the headers come first
        content = data[start:end]
        self._file[2].write(content)
        self._digest.update(content)

    def _end(self) -> None:
        self._is_complete = True


def _refuse_form(because: str) -> NoReturn:
    raise RequestError("bad_request", f"The form must have one part with a file, and nothing else: {because}")


def _get_parameter(header: str, name: str) -> str:
    try:
        return str(parse_header_parameters(header)[1].get(name, ""))
    except (ValueError, TypeError):
        return ""


def _get_media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _clean_type(content_type: str) -> str:
    return _NOT_IN_NAMES.sub("", content_type).strip()[:LONGEST_NAME]


def _decode(text: str) -> str:
    """Text of a header, whose bytes the server takes for Latin-1: most clients send UTF-8."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text
