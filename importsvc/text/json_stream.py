"""A streaming JSON reader, whose memory does not depend on the length of the text (RFC 8259)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from string import digits
from typing import Any

from importsvc.text.strict_json import PLAIN_DECODER, STRICT_DECODER, TOO_DEEP, TOO_MANY_DIGITS, ConstantError
from importsvc.text.text_stream import ReadText

# In characters: the size of a read, and of the largest value that is held in memory.
READ_SIZE = 64 * 1024
LARGEST_VALUE = 8 * 1024 * 1024

_SPACE = re.compile(r"[ \t\n\r]*")
_HIGH_SURROGATE = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}")
_LONGEST_ESCAPE = 12  # a surrogate pair
# Also in characters. The first batch of an array is short, because an attempt that ends outside the array is lost.
_SHORTEST_BATCH = 64
_FIRST_BATCH = 1024


class JsonError(ValueError):
    """The text is not JSON. The message has the position and the reason."""


class JsonTooLargeError(JsonError):
    """A value is too long. The message has the limit."""


def skip_space(text: str, at: int) -> int:
    """The position of the first character that is no white space, from this one on."""
    return _SPACE.match(text, at).end()  # type: ignore[union-attr]  # matches everywhere


class JsonReader:
    """Reads one JSON value from a text, from start to end.

    Each method starts at the next value and stops after it. Each raises ``JsonError`` if the text is not JSON.
    """

    def __init__(self, read: ReadText) -> None:
        """``read`` is not called before a method is."""
        self._read = read
        self._text = ""
        self._at = 0
        self._is_over = False
        self._line, self._column = 1, 1  # of the first character of ``_text``

    def peek(self) -> str:
        """The first character of the next token; empty at the end of the text."""
        while True:
            self._at = skip_space(self._text, self._at)
            if self._at < len(self._text):
                return self._text[self._at]
            if self._is_over:
                return ""
            self._fill()

    def expect_end(self) -> None:
        """Check that only white space follows."""
        if self.peek():
            raise self._error("Extra data", self._at)

    def read_value(self, *, largest: int | None = None) -> Any:
        """Decode the value. An object that has a member twice becomes an ``AmbiguousObject``.

        Raises:
            JsonTooLargeError: the value is longer than ``largest`` characters, by default ``LARGEST_VALUE``.
        """
        self.peek()
        value, self._at = self._decode(LARGEST_VALUE if largest is None else largest)
        return value

    def skip_value(self) -> None:
        """Read past the value.

        Raises:
            JsonTooLargeError: an item or a member of the value is longer than ``LARGEST_VALUE``.
        """
        if self.peek() != "{":
            self._skip_member()
            return
        for _ in self.read_members():
            self._skip_member()

    def read_members(self) -> Iterator[str]:
        """The names of an object's members. The caller reads each member's value before it takes the next name."""
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

    def read_batches(self, *, items: int, characters: int) -> Iterator[tuple[int, str]]:
        """Split an array into batches of items: the number of items, and their text with commas between them.

        A batch has at most ``items`` items, and at most ``characters`` characters unless it is a single item.

        Raises:
            JsonTooLargeError: an item is longer than ``LARGEST_VALUE``.
        """
        self._expect("[", "Expecting value")
        if self.peek() == "]":
            self._at += 1
            return
        length = min(_FIRST_BATCH, characters)
        while True:
            while self._remaining < length and not self._is_over:
                self._fill()
            batch = self._find_batch(length, items)
            while not batch and length > _SHORTEST_BATCH:
                length //= 2
                batch = self._find_batch(length, items)
            count, text = batch or (1, self._read_item())
            yield count, text
            # The items after one that is longer than ``length`` may be as long.
            length = min(2 * max(length, len(text)), characters)
            if self.peek() == "]":
                self._at += 1
                return
            self._expect(",", "Expecting ',' delimiter")
            self.peek()

    def read_text(self) -> Iterator[str]:
        """The characters of a string, part by part."""
        self.peek()
        unterminated = self._error("Unterminated string starting at", self._at)
        self._expect('"', "Expecting value")
        while True:
            if self._remaining < READ_SIZE and not self._is_over:
                self._fill()
            end = self._find_end_of_part()
            # The last part has its own closing quote, or the decoder says what is wrong with it.
            closing = "" if self._is_over and end == len(self._text) else '"'
            try:
                text, length = PLAIN_DECODER.raw_decode(f'"{self._text[self._at : end]}{closing}')
            except json.JSONDecodeError as error:
                is_cut = error.msg.startswith("Unterminated")
                raise unterminated if is_cut else self._error(error.msg, self._at + error.pos - 1) from None
            # ``length`` counts two quotes. The text has the closing one only at the string's end.
            self._at += length - 1
            is_closed = self._at <= end
            self._at = min(self._at, end)
            yield text
            if is_closed:
                return

    @property
    def _remaining(self) -> int:
        return len(self._text) - self._at

    def _fill(self, size: int = 0) -> None:
        """Drop the text before ``_at``, and read at least ``size`` and ``READ_SIZE`` characters, or to the end."""
        self._line, self._column = self._locate(self._at)
        parts = [self._text[self._at :]]
        size = max(size, READ_SIZE)
        while size > 0 and not self._is_over:
            try:
                more = self._read(size)
            except UnicodeDecodeError:
                raise JsonError("it is not UTF-8") from None
            self._is_over = not more
            parts.append(more)
            size -= len(more)
        self._text = "".join(parts)
        self._at = 0

    def _locate(self, position: int) -> tuple[int, int]:
        """The line and the column of a position in ``_text``, counted from 1."""
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
            for _ in self.read_batches(items=READ_SIZE, characters=READ_SIZE):
                pass
        elif start == '"':
            for _ in self.read_text():
                pass
        else:
            self.read_value()

    def _decode(self, largest: int) -> tuple[Any, int]:
        """The value at ``_at`` and the position after it. Reads more text until the value is complete."""
        while True:
            try:
                value, end = STRICT_DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                # An error near the end of the buffer may only mean that the value continues.
                is_cut = error.msg.startswith("Unterminated") or error.pos >= len(self._text) - _LONGEST_ESCAPE
                if self._is_over or not is_cut:
                    raise self._error(error.msg, error.pos) from None
            except RecursionError:
                raise JsonError(TOO_DEEP) from None
            except ConstantError as error:
                raise JsonError(str(error)) from None
            except ValueError:  # see ``read_json``
                # The digits may be the whole part of a fraction, which has no limit.
                if self._is_over or self._text[-1] not in digits:
                    raise JsonError(TOO_MANY_DIGITS) from None
            else:
                # A number may continue after the buffer, even if it ends with ".", "e" or "e+" there.
                is_whole = self._is_over or end + len("e+") < len(self._text)
                if is_whole and end - self._at <= largest:
                    return value, end
            if self._remaining > largest:
                raise JsonTooLargeError(f"more than {largest} characters")
            self._fill(self._remaining)

    def _read_item(self) -> str:
        # Decoding may drop the text before the item, which moves ``_at``.
        _, end = self._decode(LARGEST_VALUE)
        text = self._text[self._at : end]
        self._at = end
        return text

    def _find_batch(self, length: int, items: int) -> tuple[int, str] | None:
        """The items in the next ``length`` characters, up to the last position that looks like the end of an item.

        If that text decodes as an array, the position is the end of an item; otherwise there is no batch.
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

    def _find_end_of_part(self) -> int:
        """The last position in ``_text`` that does not split an escape or a surrogate pair."""
        end = len(self._text)
        escape = self._text.rfind("\\", max(self._at, end - _LONGEST_ESCAPE), end)
        if self._is_over or escape < 0 or not self._is_escape(escape):
            return end
        # The escape may be the second half of a surrogate pair.
        first = escape - len(r"\ud800")
        is_half = first >= self._at and _HIGH_SURROGATE.match(self._text, first) and self._is_escape(first)
        return first if is_half else escape

    def _is_escape(self, position: int) -> bool:
        """Whether the backslash starts an escape; otherwise it is the second one of ``\\\\``."""
        before = self._text[self._at : position]
        return (len(before) - len(before.rstrip("\\"))) % 2 == 0
