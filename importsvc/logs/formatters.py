"""How log lines are written: as text, or as JSON. Neither has values of rows.

A caller gives fields with ``extra={"fields": {…}}``. Of an exception a line has types and frames. Its message is left
out unless Python makes it from code: the others, above all those of the database, quote values.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from importsvc.logs.context import get_log_fields

# Exceptions whose messages are about code, files and connections.
_WITH_MESSAGES = (ArithmeticError, AssertionError, AttributeError, ImportError, NameError, OSError, TypeError)


class LineFormatter(logging.Formatter):
    """``time level logger: message name=value``, followed by the lines of the exception."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - of logging
        """The line without the exception."""
        fields = "".join(f" {name}={value}" for name, value in _get_fields(record).items())
        return super().formatMessage(record) + fields

    def formatException(self, ei: Any) -> str:  # noqa: N802 - of logging
        """The lines of the exception."""
        return describe_exception(ei[1])


class JsonFormatter(logging.Formatter):
    """One JSON object: ``time``, ``level``, ``logger``, ``message``, the fields and ``exception``."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_get_fields(record),
        }
        if record.exc_info and record.exc_info[1]:
            line["exception"] = describe_exception(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)


class HasException(logging.Filter):
    """Passes records that have an exception."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it has one."""
        return bool(record.exc_info and record.exc_info[1])


def describe_exception(error: BaseException) -> str:
    """The types and frames of an exception and of those that led to it, the first one first."""
    return "\n".join(_describe_chain(error))


def describe_type(error: BaseException) -> str:
    """The type of an exception, and what may be said of its message."""
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    diagnostics = getattr(error, "diag", None)
    if diagnostics is None or diagnostics.sqlstate is None:
        # Without a state there is no statement, but a connection that failed.
        has_message = isinstance(error, _WITH_MESSAGES) or (diagnostics and type(error).__name__ == "OperationalError")
        return f"{name}: {str(error).strip()}" if has_message else name
    parts = {
        "table": diagnostics.table_name,
        "column": diagnostics.column_name,
        "constraint": diagnostics.constraint_name,
    }
    return f"{name}: sqlstate {diagnostics.sqlstate}" + "".join(
        f", {part} {value}" for part, value in parts.items() if value
    )


def _describe_chain(error: BaseException) -> Iterator[str]:
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None:
        yield from _describe_chain(earlier)
        yield "which led to:"
    yield "Traceback (most recent call last):"
    yield from (line.rstrip("\n") for line in traceback.format_tb(error.__traceback__))
    yield describe_type(error)


def _get_fields(record: logging.LogRecord) -> dict[str, Any]:
    return {**get_log_fields(), **getattr(record, "fields", {})}
