"""JSON read strictly: what RFC 8259 calls JSON, with the ambiguous parts told apart instead of guessed at."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Generator, Iterator
from typing import Any

_SPACE = re.compile(r"[ \t\n\r]*")
_PASSAGE = 40_000  # characters


class AmbiguousObject(dict[str, Any]):
    """A JSON object that names members twice; ``repeated`` are their names.

    RFC 8259, section 4, leaves open what such an object means. Keeping the last member would lose data without a
    word, so whoever finds one refuses it.
    """

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        counts = Counter(name for name, _ in pairs)
        self.repeated = [name for name, count in counts.items() if count > 1]


class _ConstantError(ValueError):
    pass


class NotStreamableError(ValueError):
    """The text is no JSON object of arrays with a name for each. ``read_json`` tells what it is."""


def read_json(source: str | bytes) -> Any:
    """Read JSON, from text or UTF-8: no ``NaN``, no ``Infinity``.

    An object that names a member twice comes out as an ``AmbiguousObject``.

    Raises:
        ValueError: it is not JSON, not UTF-8, or more than we read; the message says which.
    """
    try:
        text = source.decode() if isinstance(source, bytes) else source
        del source  # of two copies of a large body one is enough
        return json.loads(text, object_pairs_hook=_read_object, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno} column {error.colno}: {error.msg}") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except _ConstantError:
        raise
    except ValueError:  # of int(), which reads 4,300 digits and tells programmers what to do about more
        raise ValueError("it has a number of too many digits") from None


def stream_arrays(text: str, *, size: int) -> Iterator[tuple[str, list[Any]]]:
    """The members of a JSON object of arrays, in their order and in pieces of at most ``size`` items.

    Items are as ``read_json`` reads them, and never held for longer than the caller holds a piece. An empty array is
    one empty piece.

    Raises:
        NotStreamableError: it is no such object, or not JSON. Pieces that came before mean nothing then.
    """
    try:
        yield from _stream_members(text, size)
    except (ValueError, IndexError, RecursionError) as error:
        raise NotStreamableError from error


def _stream_members(text: str, size: int) -> Iterator[tuple[str, list[Any]]]:
    names = set()
    position = _expect(text, _skip_space(text, 0), "{")
    while True:
        name, position = _DECODER.raw_decode(text, position)
        if not isinstance(name, str) or name in names:
            raise ValueError(name)
        names.add(name)
        position = _expect(text, _expect(text, _skip_space(text, position), ":"), "[")
        position = _skip_space(text, (yield from _stream_items(text, position, name, size)))
        if text[position] == "}":
            break
        position = _expect(text, position, ",")
    if _skip_space(text, position + 1) != len(text):
        raise ValueError("Extra data")


def _stream_items(text: str, position: int, name: str, size: int) -> Generator[tuple[str, list[Any]], None, int]:
    """The items from ``position`` on; returns where the array ends."""
    if text[position] == "]":
        yield name, []
        return position + 1
    while (end := text.find("},", position + _PASSAGE)) > 0 and (passage := _read_passage(text, position, end + 1)):
        for start in range(0, len(passage), size):
            yield name, passage[start : start + size]
        position = _expect(text, end + 1, ",")
    return (yield from _stream_one_by_one(text, position, name, size))


def _read_passage(text: str, start: int, end: int) -> list[Any] | None:
    """The items between two places in an array, ``None`` if the latter is not between two items.

    If the passage alone makes an array, the place is one between items of the array that the passage is in: what text
    means in JSON depends on nothing that follows it.
    """
    passage = f"[{text[start:end]}]"
    try:
        items: list[Any] = _PLAIN_DECODER.decode(passage)
    except ValueError:
        return None
    # Every member has a colon. If there are no more colons than members, no member was named twice and dropped.
    if set(map(type, items)) == {dict} and text.count(":", start, end) == sum(map(len, items)):
        return items
    return list(_DECODER.decode(passage))


def _stream_one_by_one(text: str, position: int, name: str, size: int) -> Generator[tuple[str, list[Any]], None, int]:
    read = _DECODER.raw_decode
    items: list[Any] = []
    while True:
        item, position = read(text, position)
        items.append(item)
        mark = text[position]
        if mark not in ",]":
            position = _skip_space(text, position)
            mark = text[position]
        if mark == "]":
            yield name, items
            return position + 1
        position = _expect(text, position, ",")
        if len(items) == size:
            yield name, items
            items = []


def _expect(text: str, position: int, mark: str) -> int:
    """The position of what comes next but space."""
    if text[position] != mark:
        raise ValueError(mark)
    position += 1
    return _skip_space(text, position) if text[position] in " \t\n\r" else position


def _skip_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    assert match  # noqa: S101 - of no space, too
    return match.end()


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    return read if len(read) == len(pairs) else AmbiguousObject(pairs)


def _refuse_constant(name: str) -> None:
    raise _ConstantError(f"{name} is not a JSON value")


_PLAIN_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
_DECODER = json.JSONDecoder(object_pairs_hook=_read_object, parse_constant=_refuse_constant)
