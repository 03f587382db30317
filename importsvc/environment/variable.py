"""A declared environment variable, and the kinds of values that one may have."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")
D = TypeVar("D")

# Of a value, in a message.
_LONGEST_SHOWN = 100

_WHOLE = re.compile(r"[0-9]{1,18}")
_RATE = re.compile(r"([1-9][0-9]{0,8})/([1-9][0-9]{0,4})?([a-z]+)")
_PERIODS = {"s": 1, "second": 1, "m": 60, "minute": 60, "h": 3600, "hour": 3600, "d": 86_400, "day": 86_400}
_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")


class InvalidVariable(Exception):
    """A variable has a value that is not acceptable; the message names it, what is accepted, and the value."""


@dataclass(frozen=True)
class Kind(Generic[T]):
    """What a variable may be.

    Attributes:
        accepts: what is accepted, as the end of the sentence "PORT must …".
        parse: the value of a text; raises ``ValueError``.
        is_secret: messages do not quote the text.
    """

    accepts: str
    parse: Callable[[str], T]
    is_secret: bool = False


@dataclass(frozen=True)
class Variable(Generic[T, D]):
    """An environment variable. An empty one counts as not set.

    Attributes:
        name: of the variable.
        kind: what it may be.
        default: the value if it is not set.
    """

    name: str
    kind: Kind[T]
    default: D

    def read(self, environment: Mapping[str, str] = os.environ) -> T | D:
        """The value.

        Raises:
            InvalidVariable: it is not acceptable.
        """
        text = environment.get(self.name, "").strip()
        if not text:
            return self.default
        try:
            return self.kind.parse(text)
        except (ValueError, OSError):
            raise InvalidVariable(self._describe(text)) from None

    def _describe(self, text: str) -> str:
        if self.kind.is_secret:
            return f"{self.name} must {self.kind.accepts}."
        shown = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
        return f"{self.name} must {self.kind.accepts}, not {shown!r}."


@dataclass(frozen=True)
class Rate:
    """A number of requests in a period.

    Attributes:
        count: the number.
        seconds: the length of the period.
    """

    count: int
    seconds: int


def whole(least: int, most: int) -> Kind[int]:
    """A whole number within bounds."""

    def parse(text: str) -> int:
        if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
            raise ValueError
        return int(text)

    return Kind(f"be a whole number from {least:,} to {most:,}", parse)


def boolean() -> Kind[bool]:
    """``true`` or ``false``, and other words for them, in any case."""

    def parse(text: str) -> bool:
        if text.lower() not in (*_TRUE, *_FALSE):
            raise ValueError
        return text.lower() in _TRUE

    return Kind("be true or false", parse)


def choice(*values: str) -> Kind[str]:
    """One of these words, which may be given in any case."""
    by_name = {value.lower(): value for value in values}

    def parse(text: str) -> str:
        if text.lower() not in by_name:
            raise ValueError
        return by_name[text.lower()]

    return Kind(f"be {', '.join(values[:-1])} or {values[-1]}", parse)


def rate() -> Kind[Rate | None]:
    """A number of requests in a period of a day at most; ``None`` for ``off``."""

    def parse(text: str) -> Rate | None:
        if text.lower() == "off":
            return None
        match = _RATE.fullmatch(text)
        if not match or match[3] not in _PERIODS:
            raise ValueError
        seconds = int(match[2] or 1) * _PERIODS[match[3]]
        if seconds > _PERIODS["d"]:
            raise ValueError
        return Rate(int(match[1]), seconds)

    return Kind("be requests in a time of a day at most, such as 100/10s, 4000/30m or 5/second, or off", parse)


def matching(pattern: str, accepts: str) -> Kind[str]:
    """A text that a pattern matches as a whole."""
    compiled = re.compile(pattern)

    def parse(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError
        return text

    return Kind(accepts, parse)


def secret_key() -> Kind[str]:
    """A key that Django's ``check --deploy`` does not find too weak."""

    def parse(text: str) -> str:
        if len(text) < 50 or len(set(text)) < 5 or text.startswith("django-insecure-"):
            raise ValueError
        return text

    return Kind("be a random text of at least 50 characters", parse, is_secret=True)


def several(kind: Kind[T], separator: str) -> Kind[list[T]]:
    """Values of a kind with a separator between them; blanks around them and empty ones do not count."""

    def parse(text: str) -> list[T]:
        values = [kind.parse(part.strip()) for part in text.split(separator) if part.strip()]
        if not values:
            raise ValueError
        return values

    return Kind(kind.accepts, parse, kind.is_secret)


def folder() -> Kind[Path]:
    """A folder that the process may write to, or may make."""

    def parse(text: str) -> Path:
        path = Path(text)
        existing = next(each for each in (path, *path.absolute().parents) if each.exists())
        if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
            raise ValueError
        return path

    return Kind("be a folder that the service may write to", parse)
