"""The log lines that the service would write during a block."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from importsvc.logs.formatters import JsonFormatter, LineFormatter


class Lines:
    """The lines that were written, in both formats."""

    def __init__(self) -> None:
        self.json, self.text = io.StringIO(), io.StringIO()

    def read(self, logger: str = "importsvc") -> list[dict[str, Any]]:
        """The lines of this logger and of those below, without time, level, logger and duration."""
        lines = [json.loads(line) for line in self.json.getvalue().splitlines()]
        ours = [line for line in lines if f"{line['logger']}.".startswith(f"{logger}.")]
        hidden = ("time", "level", "logger", "duration_ms")
        return [{name: value for name, value in line.items() if name not in hidden} for line in ours]


@contextmanager
def logged_lines(level: int = logging.INFO) -> Iterator[Lines]:
    """The lines of at least this level."""
    root = logging.getLogger()
    lines = Lines()
    handlers = [logging.StreamHandler(lines.json), logging.StreamHandler(lines.text)]
    handlers[0].setFormatter(JsonFormatter())
    handlers[1].setFormatter(LineFormatter())
    before = root.level
    root.setLevel(level)
    for handler in handlers:
        root.addHandler(handler)
    try:
        yield lines
    finally:
        root.setLevel(before)
        for handler in handlers:
            root.removeHandler(handler)
