"""JSON read from a stream: value by value, in memory that does not depend on the length of the text (RFC 8259)."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from string import digits
from typing import Any, Protocol

from importsvc.text.strict_json import PLAIN_DECODER, STRICT_DECODER, TOO_DEEP, TOO_MANY_DIGITS, ConstantError

# Returns up to so many characters more, an empty text at the end.
ReadText = Callable[[int], str]

# Characters that are read at once, and those of the largest value that is held in memory.
PIECE = 64 * 1024
LARGEST_VALUE = 8 * 1024 * 1024

_SPACE = re.compile(r"[ \t\n\r]*")
_HIGH_SURROGATE = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}")
_LONGEST_ESCAPE = 12  # of a pair of surrogates
_SHORTEST_PASSAGE = 64


class JsonError(ValueError):
    """The text is not JSON. The message says where and why."""


class JsonTooLargeError(JsonError):
    """A value is longer than ``LARGEST_VALUE``. The message says how long a value may be."""


class _ByteStream(Protocol):
    def read(self, size: int, /) -> bytes: ...


def read_utf8(stream: _ByteStream) -> ReadText:
    """The text of a stream of bytes. Reading it raises ``JsonError`` if that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()

    def read(size: int) -> str:
        text = ""
        while not text:
            content = stream.read(size)
            try:
                text = decoder.decode(content, final=not content)
            except UnicodeDecodeError:
                raise JsonError("it is not UTF-8") from None
            if not content:
                break
        return text

    return read


def read_pieces(pieces: Iterator[str]) -> ReadText:
    """The text that comes in these pieces."""
    return lambda _: next(filter(None, pieces), "")


def decode_rows(text: str) -> list[Any]:
    """The items of an array, whose text is given without its brackets; see ``read_json`` for what they are.

    Raises:
        ValueError: the text is not JSON.
        JsonError: it is nested too deep. That depends on the call stack, too: a text that was read before may be.
    """
    array = f"[{text}]"
    try:
        items: list[Any] = PLAIN_DECODER.decode(array)
        # Every member has a colon. With no more colons than members, no member is named twice and was dropped.
        if set(map(type, items)) <= {dict} and text.count(":") == sum(map(len, items)):
            return items
        strict: list[Any] = STRICT_DECODER.decode(array)
    except RecursionError:
        raise JsonError(TOO_DEEP) from None
    return strict


class JsonReader:
    """A text that holds one JSON value, read from its beginning to its end.

    Every method starts at the next value and ends after it. All raise ``JsonError`` if the text is not JSON.
    """

    def __init__(self, read: ReadText) -> None:
        """Nothing is read yet."""
        self._read = read
        self._text = ""
        self._at = 0
        self._is_over = False
        self._line, self._column = 1, 1  # of the first character of ``_text``

    def peek(self) -> str:
        """The first character of what comes next; empty at the end of the text."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]  # matches everywhere
            if self._at < len(self._text):
                return self._text[self._at]
            if self._is_over:
                return ""
            self._fill()

    def expect_end(self) -> None:
        """Refuse anything but white space up to the end of the text."""
        if self.peek():
            raise self._error("Extra data", self._at)

    def read_value(self) -> Any:
        """The value, which is held in memory; an object that names a member twice is an ``AmbiguousObject``.

        Raises:
            JsonTooLargeError: it is longer than ``LARGEST_VALUE``.
        """
        self.peek()
        value, self._at = self._decode()
        return value

    def skip_value(self) -> None:
        """Read the value and forget it.

        Raises:
            JsonTooLargeError: it contains a value that is longer than ``LARGEST_VALUE``.
        """
        if self.peek() != "{":
            self._skip_member()
            return
        for _ in self.read_members():
            self._skip_member()

    def read_members(self) -> Iterator[str]:
        """The names of an object's members; the caller reads the value of one before it asks for the next."""
        self._expect("{", "Expecting value")
        if self.peek() == "}":
            self._at += 1
            return
        while True:
            if self.peek() != '"':
                raise self._error("Expecting property name enclosed in double quotes", self._at)
            name: str = self.read_value()
            self._expect(":", "Expecting ':' delimiter")
            yield name
            if self.peek() == "}":
                self._at += 1
                return
            self._expect(",", "Expecting ',' delimiter")

    def read_passages(self, *, items: int, characters: int) -> Iterator[tuple[int, str]]:
        """An array in passages of some items: how many each has, and their text, with commas between them.

        A passage has at most so many items, and about so many characters unless it is a single item.

        Raises:
            JsonTooLargeError: an item is longer than ``LARGEST_VALUE``.
        """
        self._expect("[", "Expecting value")
        if self.peek() == "]":
            self._at += 1
            return
        length = characters
        while True:
            length = min(2 * length, characters)
            while self._remaining < length and not self._is_over:
                self._fill()
            passage = self._find_passage(length, items)
            while not passage and length > _SHORTEST_PASSAGE:
                length //= 2
                passage = self._find_passage(length, items)
            yield passage or (1, self._read_item())
            if self.peek() == "]":
                self._at += 1
                return
            self._expect(",", "Expecting ',' delimiter")
            self.peek()

    def read_text(self) -> Iterator[str]:
        """The characters of a string, piece by piece."""
        self.peek()
        unterminated = self._error("Unterminated string starting at", self._at)
        self._expect('"', "Expecting value")
        while True:
            if self._remaining < PIECE and not self._is_over:
                self._fill()
            end = self._find_end_of_piece()
            try:
                text, length = PLAIN_DECODER.raw_decode(f'"{self._text[self._at : end]}"')
            except json.JSONDecodeError as error:
                is_cut = error.msg.startswith("Unterminated")  # by a backslash at the end of the text
                raise unterminated if is_cut else self._error(error.msg, self._at + error.pos - 1) from None
            # Of one of the quotes around the piece the text has none; of both, if the string goes on.
            self._at += length - 1
            is_closed = self._at <= end
            self._at = min(self._at, end)
            yield text
            if is_closed:
                return
            if self._is_over and end == len(self._text):
                raise unterminated

    @property
    def _remaining(self) -> int:
        return len(self._text) - self._at

    def _fill(self, size: int = 0) -> None:
        """Forget what was read, and read about so many characters more, at least ``PIECE``, unless the text is over."""
        self._line, self._column = self._locate(self._at)
        pieces = [self._text[self._at :]]
        size = max(size, PIECE)
        while size > 0 and not self._is_over:
            more = self._read(size)
            self._is_over = not more
            pieces.append(more)
            size -= len(more)
        self._text = "".join(pieces)
        self._at = 0

    def _locate(self, position: int) -> tuple[int, int]:
        """The line and the column of a character of ``_text``, counted from 1."""
        lines = self._text.count("\n", 0, position)
        if not lines:
            return self._line, self._column + position
        return self._line + lines, position - self._text.rindex("\n", 0, position)

    def _error(self, message: str, position: int) -> JsonError:
        line, column = self._locate(position)
        return JsonError(f"line {line} column {column}: {message}")

    def _expect(self, mark: str, message: str) -> None:
        if self.peek() != mark:
            raise self._error(message, self._at)
        self._at += 1

    def _skip_member(self) -> None:
        start = self.peek()
        if start == "[":
            for _ in self.read_passages(items=PIECE, characters=PIECE):
                pass
        elif start == '"':
            for _ in self.read_text():
                pass
        else:
            self.read_value()

    def _decode(self) -> tuple[Any, int]:
        """The value and its end. As much more is read as it takes."""
        while True:
            try:
                value, end = STRICT_DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                # What is wrong near the end may only be cut off there.
                is_cut = error.msg.startswith("Unterminated") or error.pos >= len(self._text) - _LONGEST_ESCAPE
                if self._is_over or not is_cut:
                    raise self._error(error.msg, error.pos) from None
            except RecursionError:
                raise JsonError(TOO_DEEP) from None
            except ConstantError as error:
                raise JsonError(str(error)) from None
            except ValueError:  # see ``read_json``
                # A number may have as many digits if it turns out to have a point after them.
                if self._is_over or self._text[-1] not in digits:
                    raise JsonError(TOO_MANY_DIGITS) from None
            else:
                # Of a number a point, or an "e" and a sign, may be all there is yet of the rest.
                is_whole = self._is_over or end + len("e+") < len(self._text)
                if is_whole and end - self._at <= LARGEST_VALUE:
                    return value, end
            if self._remaining > LARGEST_VALUE:
                raise JsonTooLargeError(f"more than {LARGEST_VALUE} characters")
            self._fill(self._remaining)

    def _read_item(self) -> str:
        # Decoding may drop what was read before, so that the item then starts at ``_at``.
        _, end = self._decode()
        text = self._text[self._at : end]
        self._at = end
        return text

    def _find_passage(self, length: int, items: int) -> tuple[int, str] | None:
        """The longest passage in so many characters that ends where one of the last items seems to end.

        If it makes an array by itself, an item does end there: what JSON means depends on nothing that follows it.
        """
        limit = self._at + length
        end = self._text.rfind("},", self._at, limit) + 1 or self._text.rfind(",", self._at, limit)
        if end <= self._at:
            return None
        text = self._text[self._at : end]
        try:
            count = len(PLAIN_DECODER.decode(f"[{text}]"))
        except (ValueError, RecursionError):
            return None
        if not 0 < count <= items:
            return None
        self._at = end
        return count, text

    def _find_end_of_piece(self) -> int:
        """A place in ``_text`` that is in the middle of no escape, nor of two that are one character."""
        end = len(self._text)
        escape = self._text.rfind("\\", max(self._at, end - _LONGEST_ESCAPE), end)
        if self._is_over or escape < 0 or not self._is_escape(escape):
            return end
        # Perhaps it is the second half of a pair, whatever there is of it.
        first = escape - len(r"\ud800")
        is_half = first >= self._at and _HIGH_SURROGATE.match(self._text, first) and self._is_escape(first)
        return first if is_half else escape

    def _is_escape(self, position: int) -> bool:
        """Whether a backslash begins an escape, instead of ending that of a backslash."""
        before = self._text[self._at : position]
        return (len(before) - len(before.rstrip("\\"))) % 2 == 0
