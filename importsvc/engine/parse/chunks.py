"""Splits a stream of ``import_data`` into chunks of rows (contract, section 2.5). Pure: no Django, no database.

A chunk has the text of its rows: the digits of numbers, the order of members and escapes are as submitted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from importsvc.engine.errors import PayloadError
from importsvc.text.display import printable
from importsvc.text.json_stream import JsonReader, JsonTooLargeError

CHUNK_ROWS = 2_000
CHUNK_CHARACTERS = 256 * 1024


class RowChunk(NamedTuple):
    """Consecutive rows of one type.

    Attributes:
        type_name: the name of the importable.
        first_row: the number of the first row, counted from 1 within the type.
        row_count: the number of rows; 0 for a type without rows.
        text: the rows as items of a JSON array, without its brackets. In place of a deleted row it has ``{}``.
        lines: for each row its place in the file that it comes from: the line, the row of the sheet or the number of
            the item, counted from 1; ``None`` for rows that come from no file.
        sheet: of that file; empty if it has none.
        deleted: the numbers of the rows that were deleted, in order. They are counted in ``row_count``.
    """

    type_name: str
    first_row: int
    row_count: int
    text: str
    lines: Sequence[int] | None = None
    sheet: str = ""
    deleted: Sequence[int] = ()


def split_rows(reader: JsonReader, *, types: Collection[str]) -> Iterator[RowChunk]:
    """Split an object that has an array of rows for each type into chunks, in the order of the text.

    A chunk has at most ``CHUNK_ROWS`` rows and ``CHUNK_CHARACTERS`` characters; a longer row is a chunk by itself. A
    type without rows is one empty chunk. The caller discards the chunks if an error is raised after them.

    Args:
        reader: is before the value.
        types: the names of the types that can be imported.

    Raises:
        JsonTooLargeError: a row is too long.
        JsonError: the text is not JSON.
        PayloadError: the value is not such an object, has a type twice or an unknown one, or has no rows at all. It
            has been read to its end.
    """
    if reader.peek() != "{":
        reader.skip_value()
        raise PayloadError(f"must be an object with an array of rows for each type ({', '.join(types)})")
    problem = ""
    submitted: set[str] = set()
    has_rows = False
    for name in reader.read_members():
        problem = problem or _find_problem(name, reader, submitted, types)
        if problem:
            reader.skip_value()
            continue
        submitted.add(name)
        for chunk in _split_array(reader, name):
            has_rows = has_rows or chunk.row_count > 0
            yield chunk
    if problem or not has_rows:
        raise PayloadError(problem or "has no rows")


def _find_problem(name: str, reader: JsonReader, submitted: Collection[str], types: Collection[str]) -> str:
    """The problem of a member whose value is not read yet; empty if there is none."""
    if name in submitted:
        return f"names '{printable(name)}' twice"
    if name not in types:
        return f"has an unknown type '{printable(name)}'; known are {', '.join(types)}"
    return "" if reader.peek() == "[" else f"'{name}' must be an array of rows"


def _split_array(reader: JsonReader, name: str) -> Iterator[RowChunk]:
    first_row, row_count = 1, 0
    texts: list[str] = []
    size = 0
    try:
        for count, text in reader.read_batches(items=CHUNK_ROWS, characters=CHUNK_CHARACTERS // 8):
            if texts and (row_count + count > CHUNK_ROWS or size + len(text) > CHUNK_CHARACTERS):
                yield RowChunk(name, first_row, row_count, ",".join(texts))
                first_row, row_count, texts, size = first_row + row_count, 0, [], 0
            row_count += count
            texts.append(text)
            size += len(text)
    except JsonTooLargeError as error:
        raise JsonTooLargeError(f"row {first_row + row_count} of '{name}' has {error}") from None
    if texts or first_row == 1:
        yield RowChunk(name, first_row, row_count, ",".join(texts))
