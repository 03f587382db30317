"""The rows of an import on their way: read from a stream once, kept in a temporary file, and read chunk by chunk."""

from __future__ import annotations

import io
import json
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, NamedTuple, Protocol

from importsvc.engine.errors import PayloadError
from importsvc.engine.parse.chunks import RowChunk, split_rows
from importsvc.engine.schema import registry
from importsvc.imports.errors import ImportDataInvalid
from importsvc.text.json_stream import JsonError, JsonReader, JsonTooLargeError, read_pieces, read_utf8

# Bytes that are kept in memory before there is a file.
IN_MEMORY = 1 << 20


class ImportRows(Protocol):
    """The rows of an import, which can be read as often as needed."""

    @property
    def types(self) -> list[str]:
        """The names of the types in the order in which they were submitted, those without rows as well."""

    @property
    def row_count(self) -> int:
        """How many rows there are of all types."""

    def read(self, type_name: str | None = None) -> Iterator[RowChunk]:
        """The chunks in the order in which they came, of one type or of all."""


class _Place(NamedTuple):
    """Where a chunk is in the file."""

    type_name: str
    first_row: int
    row_count: int
    offset: int
    size: int


class SpooledRows:
    """Rows in a temporary file, which is removed with the last reference to it."""

    def __init__(self, chunks: Iterable[RowChunk]) -> None:
        """Keep all chunks. What ``chunks`` raises while it is read is raised here."""
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed below
        weakref.finalize(self, self._file.close)
        self._places: list[_Place] = []
        offset = 0
        for chunk in chunks:
            content = chunk.text.encode("utf-8", "surrogatepass")
            self._file.write(content)
            self._places.append(_Place(*chunk[:3], offset, len(content)))
            offset += len(content)

    @property
    def types(self) -> list[str]:
        """The names of the types in the order in which they were submitted, those without rows as well."""
        return list(dict.fromkeys(place.type_name for place in self._places))

    @property
    def row_count(self) -> int:
        """How many rows there are of all types."""
        return sum(place.row_count for place in self._places)

    def read(self, type_name: str | None = None) -> Iterator[RowChunk]:
        """The chunks in the order in which they came, of one type or of all."""
        for place in self._places:
            if type_name in (None, place.type_name):
                self._file.seek(place.offset)
                text = self._file.read(place.size).decode("utf-8", "surrogatepass")
                yield RowChunk(place.type_name, place.first_row, place.row_count, text)


class RefusedRows(NamedTuple):
    """What stands for rows that cannot be read; the service that is given them refuses them.

    Attributes:
        detail: what is wrong with ``import_data`` as a whole; continues a sentence that starts with that name.
    """

    detail: str


class _DocumentError(Exception):
    """Something is wrong with the document around a string that holds JSON, and not with that JSON."""

    def __init__(self, error: JsonError) -> None:
        super().__init__(error)
        self.error = error


def read_attribute(reader: JsonReader) -> SpooledRows | RefusedRows | None:
    """The rows that the attribute ``import_data`` of a request brings: JSON, a string that holds it, or null.

    The value is read to its end, whatever is wrong with it.

    Raises:
        JsonError: the document that the attribute is in is not JSON.
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
    """The rows of a file that holds JSON in UTF-8, perhaps after a byte order mark.

    Raises:
        ImportDataInvalid: something is wrong with the file as a whole.
    """
    return require_rows(_spool_text(_without_mark(read_utf8(file))))


def require_rows(import_data: object) -> ImportRows:
    """Rows to be read, from whatever brings them: ``ImportRows``, text that holds JSON, or JSON as Python has it.

    Raises:
        ImportDataInvalid: something is wrong with them as a whole.
    """
    if isinstance(import_data, RefusedRows):
        raise ImportDataInvalid(import_data.detail)
    if isinstance(import_data, SpooledRows):
        return import_data
    if import_data is None:
        raise ImportDataInvalid("can't be blank")
    text = import_data if isinstance(import_data, str) else json.dumps(import_data)
    return require_rows(_spool_text(io.StringIO(text).read))


def _read_string(reader: JsonReader) -> SpooledRows | RefusedRows:
    def read_pieces_of_string() -> Iterator[str]:
        try:
            yield from reader.read_text()
        except JsonError as error:
            raise _DocumentError(error) from None

    pieces = read_pieces_of_string()
    try:
        rows = _spool_text(read_pieces(pieces))
        for _ in pieces:  # the rest of a string that is not JSON
            pass
    except _DocumentError as broken:
        raise broken.error from None
    return rows


def _spool_text(read: Callable[[int], str]) -> SpooledRows | RefusedRows:
    """The rows of text that holds JSON and nothing else."""
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


def _without_mark(read: Callable[[int], str]) -> Callable[[int], str]:
    """The text without the byte order mark that some editors put before it."""
    first = [True]

    def read_text(size: int) -> str:
        text = read(size)
        if first and text:
            first.clear()
            return text.removeprefix("\ufeff") or read(size)
        return text

    return read_text
