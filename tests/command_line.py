"""``manage.py`` in a process of its own, on the test's database; the test must not be in a transaction."""

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
    """The exit code and the output of a process."""

    code: int
    out: str
    err: str = ""


def manage(*arguments: Any, stdin: bytes = b"", database: str = "") -> Outcome:
    """Run a command with its output redirected, on another database of the server if ``database`` names one."""
    done = subprocess.run(_command(arguments), **_surroundings(database), input=stdin, capture_output=True, timeout=60)
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


def start(*arguments: Any, database: str = "") -> subprocess.Popen[str]:
    """Start a command in the same way, with both outputs merged."""
    return subprocess.Popen(
        _command(arguments), **_surroundings(database), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def manage_on_terminal(*arguments: Any) -> Outcome:
    """Run a command on a terminal, which shows both outputs in the order of writing."""
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
            except OSError:  # how Linux reports the end of a terminal without writers
                pass
        return Outcome(process.returncode, shown.decode())


def describe_database(name: str = "") -> str:
    """The ``DATABASE_URL`` of the test's database, or of another one of its server."""
    given: dict[str, Any] = {**connection.get_connection_params()}
    place: dict[str, Any] = {each: given[each] for each in ("host", "port", "user", "password") if each in given}
    return f"postgres:///{name or given['dbname']}?{urlencode(place)}"


def _command(arguments: tuple[Any, ...]) -> list[str]:
    return [sys.executable, "manage.py", *map(str, arguments)]


def get_environment(database: str = "") -> dict[str, str]:
    """The environment of a process that works on the test's database, or another one of the server."""
    # Colours are Django's matter, and not tested here.
    environment = {**os.environ, "NO_COLOR": "1", "DJANGO_COLORS": "nocolor"}
    environment["DATABASE_URL"] = describe_database(database)
    return environment


def _surroundings(database: str = "") -> dict[str, Any]:
    return {"cwd": settings.BASE_DIR, "env": get_environment(database)}
