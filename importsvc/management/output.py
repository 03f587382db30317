"""The output of commands: text or one JSON document, and exit codes."""

from __future__ import annotations

import json
import re
import sys
from argparse import ArgumentTypeError
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import takewhile, zip_longest
from textwrap import wrap
from typing import Any, Never
from unicodedata import combining, east_asian_width

from django.core.management.base import CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections

from importsvc.management.command_help import ServiceCommand
from importsvc.management.interrupts import is_interrupted, watch_statements
from importsvc.postgres.transaction_limits import wait_for_locks

# Exit codes.
REFUSED = 1
USAGE = 2

# Seconds that a command waits for a lock, such as that of an import which runs.
LOCK_TIMEOUT_SECONDS = 60

CELL_WIDTH = 40
_GAP = "  "

_DURATION = re.compile(r"([0-9]{1,8})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST_DURATION = timedelta(days=36_525)


class Refused(CommandError):
    """A refusal with data.

    Attributes:
        data: further members of the JSON document.
    """

    def __init__(self, message: str, *, data: Mapping[str, Any] | None = None, returncode: int = REFUSED) -> None:
        super().__init__(message, returncode=returncode)
        self.data = data or {}


class OutputCommand(ServiceCommand):
    """A command with the option ``--json``, which prints one JSON document to standard output instead of text.

    Exits with 0 after success, 1 after a refusal, 2 after wrong usage. With ``--json``, a refusal or wrong usage is the
    document ``{"error": "why"}``, which may have further members, with the same exit code.
    """

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.add_argument("--json", action="store_true", help="print one JSON document, also of errors")
        return parser

    def run_from_argv(self, argv: list[str]) -> None:
        """Run as Django does; with ``--json``, errors in the arguments are a JSON document."""
        if "--json" in takewhile(lambda argument: argument != "--", argv[2:]):
            try:
                # Without _called_from_command_line, the parser raises errors instead of printing them.
                self.create_parser(argv[0], argv[1]).parse_args(argv[2:])
            except CommandError as error:
                self._exit_with_error(CommandError(str(error).removeprefix("Error: "), returncode=USAGE))
        super().run_from_argv(argv)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run; on the command line with ``--json``, print an error as a document and exit.

        Raises:
            CommandError: otherwise, for an error.
            KeyboardInterrupt: after Ctrl-C, whatever error that has led to.
        """
        self._is_json = options["json"]
        watch_statements(connections[DEFAULT_DB_ALIAS])
        try:
            with wait_for_locks(LOCK_TIMEOUT_SECONDS):
                return super().execute(*args, **options)
        except OperationalError as cause:
            error = CommandError(f"The database cannot be used: {str(cause).strip()}")
            error.__cause__ = cause
        except CommandError as refusal:
            error = refusal
        if is_interrupted():
            raise KeyboardInterrupt from error
        if self._is_json and getattr(self, "_called_from_command_line", False):
            self._exit_with_error(error)
        if isinstance(error, Refused):  # Django prints the class name of subclasses
            raise CommandError(str(error), returncode=error.returncode) from error
        raise error

    def print_result(self, document: Mapping[str, Any], *lines: str) -> None:
        """Print the result: the document with ``--json``, otherwise the lines."""
        if self._is_json:
            self.print_document(document)
        else:
            self.print_lines(*lines)

    def print_document(self, document: Mapping[str, Any]) -> None:
        """Print JSON, even without ``--json``."""
        self.stdout.write(json.dumps(document))

    def print_lines(self, *lines: str) -> None:
        """Print lines of text, unless the output is JSON."""
        if lines and not self._is_json:
            self.stdout.write("\n".join(lines))

    def _exit_with_error(self, error: CommandError) -> Never:
        data = error.data if isinstance(error, Refused) else {}
        self.print_document({"error": str(error), **data})
        sys.exit(error.returncode)


def read_positive(written: str) -> int:
    """An argument that is a positive whole number, such as an id.

    Raises:
        argparse.ArgumentTypeError: it is not one, or larger than any id.
    """
    if not (written.isascii() and written.isdecimal() and len(written) < 20 and int(written)):
        raise ArgumentTypeError(f"{written!r} is not a positive whole number")
    return int(written)


def read_duration(written: str) -> timedelta:
    """An argument that is a time, such as ``30d``: a positive whole number of minutes, hours, days or weeks.

    Raises:
        argparse.ArgumentTypeError: it is not one, or longer than a hundred years.
    """
    match = _DURATION.fullmatch(written)
    duration = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else timedelta(0)
    if not timedelta(0) < duration <= _LONGEST_DURATION:
        raise ArgumentTypeError(f"{written!r} is not a time like 90m, 12h, 30d or 52w")
    return duration


def format_table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, width: int | None = None) -> list[str]:
    """The lines of a table. Columns of numbers are aligned to the right.

    Cells are as ``to_cell`` returns them. With a width, they are whole, and broken over several lines in the widest
    columns, so that no line is longer.
    """
    to_shown = to_cell if width is None else to_line
    shown = [[to_shown(cell) for cell in row] for row in rows]
    columns = list(zip_longest(headers, *shown, fillvalue=""))
    widths = [max(map(_width, column)) for column in columns]
    numeric = [bool(shown) and all(cell.isdecimal() for cell in column[1:]) for column in columns]
    while width is not None and sum(widths) + len(_GAP) * (len(widths) - 1) > width:
        widths[widths.index(max(widths))] -= 1
    return [
        _GAP.join(map(_pad, line, widths, numeric)).rstrip()
        for row in [headers, *shown]
        for line in zip_longest(*map(_break, row, widths), fillvalue="")
    ]


def to_cell(text: str) -> str:
    """A text as the cell of a table: one line of at most ``CELL_WIDTH`` characters."""
    return to_line(text if len(text) <= CELL_WIDTH else f"{text[: CELL_WIDTH - 1]}…")


def to_line(text: str) -> str:
    """A text as one line of a terminal, without control characters."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def _break(cell: str, width: int) -> list[str]:
    """The cell as lines; only one that is too wide is broken."""
    return [cell] if _width(cell) <= width else wrap(cell, width)


def _pad(cell: str, width: int, is_number: bool) -> str:
    blank = " " * (width - _width(cell))
    return blank + cell if is_number else cell + blank


def _width(text: str) -> int:
    """The width of the text on a terminal."""
    return sum(0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text)
