"""The rows that a caller submits: read from their stream once into a temporary file, and from there chunk by chunk."""

from __future__ import annotations

import io
import json
import tempfile
import weakref
from array import array
from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple, Protocol, runtime_checkable

from importsvc.engine.errors import PayloadError
from importsvc.engine.parse.chunks import RowChunk, split_rows
from importsvc.engine.schema import registry
from importsvc.imports.errors import ImportDataInvalid
from importsvc.spool import IN_MEMORY, refuse_full_disk
from importsvc.text.json_stream import JsonError, JsonReader, JsonTooLargeError
from importsvc.text.text_stream import ReadText, read_parts, read_utf8


@runtime_checkable
class ImportRows(Protocol):
    """The rows of an import, which can be read any number of times."""

    @property
    def types(self) -> list[str]:
        """The names of the submitted types in their order, including types without rows."""

    @property
    def row_count(self) -> int:
        """The number of rows of all types."""

    def read(self, type_name: str | None = None) -> Iterator[RowChunk]:
        """The chunks of one type or of all types, in the order in which they were submitted."""


class _Place(NamedTuple):
    """The position of a chunk in the file, and what else it has."""

    chunk: RowChunk  # without its text
    offset: int
    size: int


class SpooledRows:
    """Rows in a temporary file, which is deleted with this object."""

    def __init__(self, chunks: Iterable[RowChunk]) -> None:
        """Write all chunks to the file. An exception of ``chunks`` is passed on.

        Raises:
            DiskFull: there is no room for the file.
        """
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed below
        weakref.finalize(self, self._file.close)
        self._places: list[_Place] = []
        offset = 0
        for chunk in chunks:
            content = chunk.text.encode("utf-8", "surrogatepass")
            with refuse_full_disk():
                self._file.write(content)
            lines = None if chunk.lines is None else array("q", chunk.lines)
            self._places.append(_Place(chunk._replace(text="", lines=lines), offset, len(content)))
            offset += len(content)

    @property
    def types(self) -> list[str]:
        """The names of the submitted types in their order, including types without rows."""
        return list(dict.fromkeys(place.chunk.type_name for place in self._places))

    @property
    def row_count(self) -> int:
        """The number of rows of all types."""
        return sum(place.chunk.row_count for place in self._places)

    def read(self, type_name: str | None = None) -> Iterator[RowChunk]:
        """The chunks of one type or of all types, in the order in which they were submitted."""
        for place in self._places:
            if type_name in (None, place.chunk.type_name):
                self._file.seek(place.offset)
                text = self._file.read(place.size).decode("utf-8", "surrogatepass")
                yield place.chunk._replace(text=text)


class RefusedRows(NamedTuple):
    """In place of rows that cannot be read. The service raises ``ImportDataInvalid`` for them.

    Attributes:
        detail: what is wrong with ``import_data`` as a whole; the rest of a sentence that starts with that name.
    """

    detail: str


class _DocumentError(Exception):
    """The request document is wrong, and not the JSON in its string ``import_data``."""

    def __init__(self, error: JsonError) -> None:
        super().__init__(error)
        self.error = error


def read_attribute(reader: JsonReader) -> SpooledRows | RefusedRows | None:
    """The rows in the attribute ``import_data`` of a request: JSON, a string that contains JSON, or null.

    The value is read to its end even if it is wrong.

    Raises:
        JsonError: the request document is not JSON.
    """
    if reader.peek() == '"':
        return _read_string(reader)
    if reader.peek() == "n":
        reader.skip_value()
        return None
    try:
        return SpooledRows(split_rows(reader, types=registry.get_names()))
    except PayloadError as error:
        return RefusedRows(str(error))


def read_file(file: BinaryIO) -> ImportRows:
    """The rows of a file of JSON in UTF-8. A byte order mark is skipped.

    Raises:
        ImportDataInvalid: the file as a whole is not acceptable.
    """
    return require_rows(_spool_text(read_utf8(file, skip_mark=True)))


def require_rows(import_data: object) -> ImportRows:
    """The rows of ``import_data``: ``ImportRows``, ``RefusedRows``, a text of JSON, or decoded JSON.

    Raises:
        ImportDataInvalid: ``import_data`` as a whole is not acceptable.
    """
    if isinstance(import_data, RefusedRows):
        raise ImportDataInvalid(import_data.detail)
    if isinstance(import_data, ImportRows):
        return import_data
    if import_data is None:
        raise ImportDataInvalid("can't be blank")
    text = import_data if isinstance(import_data, str) else json.dumps(import_data)
    return require_rows(_spool_text(io.StringIO(text).read))


def _read_string(reader: JsonReader) -> SpooledRows | RefusedRows:
    def read_string() -> Iterator[str]:
        try:
            yield from reader.read_text()
        except JsonError as error:
            raise _DocumentError(error) from None

    parts = read_string()
    try:
        rows = _spool_text(read_parts(parts))
        for _ in parts:  # the rest of a string that is not JSON
            pass
    except _DocumentError as broken:
        raise broken.error from None
    return rows


def _spool_text(read: ReadText) -> SpooledRows | RefusedRows:
    """The rows of a text of JSON."""
    reader = JsonReader(read)
    try:
        if not reader.peek():
            return RefusedRows("can't be blank")
        problem = ""
        rows = None
        try:
            rows = SpooledRows(split_rows(reader, types=registry.get_names()))
        except PayloadError as error:
            problem = str(error)
        reader.expect_end()
    except JsonTooLargeError as error:
        return RefusedRows(f"has a value that is too large: {error}")
    except JsonError as error:
        return RefusedRows(f"is not valid JSON: {error}")
    return rows or RefusedRows(problem)
