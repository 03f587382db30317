"""A strict JSON decoder (RFC 8259), which reports objects that have a member twice."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any


class AmbiguousObject(dict[str, Any]):
    """A JSON object that has a member more than once. ``repeated`` has the names of such members.

    RFC 8259, section 4, does not define what such an object means. To keep the last member would lose data silently,
    so callers refuse the object.
    """

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        counts = Counter(name for name, _ in pairs)
        self.repeated = [name for name, count in counts.items() if count > 1]


TOO_DEEP = "it is nested too deep"
TOO_MANY_DIGITS = "it has a number of too many digits"


class ConstantError(ValueError):
    """The text contains ``NaN``, ``Infinity`` or ``-Infinity``, which are not JSON; the message says which."""


def read_json(source: str | bytes) -> Any:
    """Decode JSON from text or UTF-8. An object that has a member twice becomes an ``AmbiguousObject``.

    Raises:
        ValueError: the source is not JSON, not UTF-8, nested too deep, or has a number of more than 4,300 digits. The
            message says which.
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
    except ValueError:  # from int(), which reads at most 4,300 digits; its own message addresses programmers
        raise ValueError(TOO_MANY_DIGITS) from None


def make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object with these members: an ``AmbiguousObject`` if two have the same name."""
    members = dict(pairs)
    return members if len(members) == len(pairs) else AmbiguousObject(pairs)


def is_same_value(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same; in Python, but not in JSON, true equals 1."""
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _refuse_constant(name: str) -> None:
    raise ConstantError(f"{name} is not a JSON value")


# Of two members with the same name the plain decoder keeps the last. It is faster than the strict one.
PLAIN_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
STRICT_DECODER = json.JSONDecoder(object_pairs_hook=make_object, parse_constant=_refuse_constant)
