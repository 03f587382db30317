"""JSON read strictly: what RFC 8259 calls JSON, with the ambiguous parts told apart instead of guessed at."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any


class AmbiguousObject(dict[str, Any]):
    """A JSON object that names members twice; ``repeated`` are their names.

    RFC 8259, section 4, leaves open what such an object means. Keeping the last member would lose data without a
    word, so such an object is to be refused.
    """

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        counts = Counter(name for name, _ in pairs)
        self.repeated = [name for name, count in counts.items() if count > 1]


TOO_DEEP = "it is nested too deep"
TOO_MANY_DIGITS = "it has a number of too many digits"


class ConstantError(ValueError):
    """The text has ``NaN`` or an infinity, which are JavaScript's and not JSON's; the message says which."""


def read_json(source: str | bytes) -> Any:
    """Read JSON, from text or UTF-8: no ``NaN``, no ``Infinity``.

    An object that names a member twice comes out as an ``AmbiguousObject``.

    Raises:
        ValueError: it is not JSON, not UTF-8, or more than we read; the message says which.
    """
    try:
        return STRICT_DECODER.decode(source.decode() if isinstance(source, bytes) else source)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno} column {error.colno}: {error.msg}") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except ConstantError:
        raise
    except ValueError:  # of int(), which reads 4,300 digits and tells programmers what to do about more
        raise ValueError(TOO_MANY_DIGITS) from None


def make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these members: an ``AmbiguousObject`` if one is named twice."""
    read = dict(pairs)
    return read if len(read) == len(pairs) else AmbiguousObject(pairs)


def _refuse_constant(name: str) -> None:
    raise ConstantError(f"{name} is not a JSON value")


# The first keeps the last of two members of one name, and is faster; the second makes such an object ambiguous.
PLAIN_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
STRICT_DECODER = json.JSONDecoder(object_pairs_hook=make_object, parse_constant=_refuse_constant)
