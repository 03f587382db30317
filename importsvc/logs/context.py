"""Fields that every log line of a request has, such as its id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_FIELDS: ContextVar[dict[str, Any] | None] = ContextVar("log_fields", default=None)


@contextmanager
def log_context(**fields: Any) -> Iterator[Mapping[str, Any]]:
    """Give these fields to the log lines of this thread during the block; the value has those that are added later."""
    current = dict(fields)
    token = _FIELDS.set(current)
    try:
        yield current
    finally:
        _FIELDS.reset(token)


def add_log_fields(**fields: Any) -> None:
    """Add fields to the context, if there is one."""
    current = _FIELDS.get()
    if current is not None:
        current.update(fields)


def get_log_fields() -> Mapping[str, Any]:
    """The fields of the context."""
    return _FIELDS.get() or {}
