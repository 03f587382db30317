"""``import_data``: from text, or JSON already read, to the rows of each type (contract, section 2.5)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from importsvc.engine.errors import PayloadError
from importsvc.text.display import printable
from importsvc.text.strict_json import AmbiguousObject, NotStreamableError, read_json, stream_arrays

ROWS_AT_ONCE = 2_000


def stream_payload(import_data: object, *, types: Collection[str]) -> Iterator[tuple[str, list[Any]]]:
    """The rows that ``read_payload`` reads, in pieces of at most ``ROWS_AT_ONCE`` with the name of their type.

    From text no more than one piece is read at a time: a million rows as Python objects are four times their text.

    Raises:
        PayloadError: as ``read_payload`` does, perhaps after the first pieces.
    """
    if isinstance(import_data, str):
        try:
            yield from _stream_text(import_data, types)
        except NotStreamableError:
            read_payload(import_data, types=types)
            # Nothing else is wrong with it than that a stream takes a little more of Python's stack.
            raise PayloadError("is not valid JSON: it is nested too deep") from None
    else:
        for name, rows in read_payload(import_data, types=types).items():
            for start in range(0, len(rows) or 1, ROWS_AT_ONCE):
                yield name, rows[start : start + ROWS_AT_ONCE]


def expect_types(import_data: object, *, types: Collection[str]) -> set[str]:
    """The types that ``import_data`` seems to submit, at a glance: an odd spelling may hide one."""
    if isinstance(import_data, str):
        return {name for name in types if re.search(rf'"{re.escape(name)}"\s*:\s*\[', import_data)}
    return set(import_data).intersection(types) if isinstance(import_data, dict) else set()


def _stream_text(import_data: str, types: Collection[str]) -> Iterator[tuple[str, list[Any]]]:
    is_empty = True
    for name, rows in stream_arrays(import_data, size=ROWS_AT_ONCE):
        if name not in types:
            raise NotStreamableError
        is_empty = is_empty and not rows
        yield name, rows
    if is_empty:
        raise NotStreamableError


def read_payload(import_data: object, *, types: Collection[str]) -> dict[str, list[Any]]:
    """The rows of each type that ``import_data`` submits, in its order; rows are not looked at yet.

    Args:
        import_data: a string that holds JSON, or that JSON itself.
        types: the names of the types that can be imported.

    Raises:
        PayloadError: not JSON, not an object of arrays, an unknown type, or no row at all; says where and what.
    """
    if isinstance(import_data, str):
        try:
            import_data = read_json(import_data)
        except ValueError as error:
            raise PayloadError(f"is not valid JSON: {error}") from None
    if not isinstance(import_data, dict):
        raise PayloadError(f"must be an object with an array of rows for each type ({', '.join(types)})")
    if isinstance(import_data, AmbiguousObject):
        raise PayloadError(f"names '{printable(import_data.repeated[0])}' twice")
    for name, rows in import_data.items():
        if name not in types:
            raise PayloadError(f"has an unknown type '{printable(name)}'; known are {', '.join(types)}")
        if not isinstance(rows, list):
            raise PayloadError(f"'{name}' must be an array of rows")
    if not any(import_data.values()):
        raise PayloadError("has no rows")
    return import_data
