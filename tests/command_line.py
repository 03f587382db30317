"""``manage.py`` as it is called from a shell, on the database of the test, which must not be in a transaction."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db import connection


@dataclass(frozen=True)
class Outcome:
    """What a process ended with."""

    code: int
    out: str
    err: str = ""


def manage(*arguments: Any, stdin: bytes = b"", database: str = "") -> Outcome:
    """Run a command whose output goes to files, on another database of the server if one is named."""
    done = subprocess.run(_command(arguments), **_surroundings(database), input=stdin, capture_output=True, timeout=60)
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


def start(*arguments: Any, database: str = "") -> subprocess.Popen[str]:
    """Start a command, likewise; its two outputs come as one."""
    return subprocess.Popen(
        _command(arguments), **_surroundings(database), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def manage_on_terminal(*arguments: Any) -> Outcome:
    """Run a command at a terminal, which shows both of its outputs as they come."""
    ours, its = pty.openpty()
    termios.tcsetwinsize(its, (24, 100))
    with os.fdopen(ours, "rb", buffering=0) as screen:
        with subprocess.Popen(
            _command(arguments), **_surroundings(), stdin=subprocess.DEVNULL, stdout=its, stderr=its
        ) as process:
            os.close(its)
            shown = b""
            try:
                while part := screen.read(4096):
                    shown += part
            except OSError:  # Linux's way to say that nobody writes to it any more
                pass
        return Outcome(process.returncode, shown.decode())


def _command(arguments: tuple[Any, ...]) -> list[str]:
    return [sys.executable, "manage.py", *map(str, arguments)]


def _surroundings(database: str = "") -> dict[str, Any]:
    given: dict[str, Any] = {**connection.get_connection_params()}
    place: dict[str, Any] = {name: given[name] for name in ("host", "port", "user", "password") if name in given}
    # Colours are Django's business.
    environment = {**os.environ, "NO_COLOR": "1", "DJANGO_COLORS": "nocolor"}
    environment["DATABASE_URL"] = f"postgres:///{database or given['dbname']}?{urlencode(place)}"
    return {"cwd": settings.BASE_DIR, "env": environment}
