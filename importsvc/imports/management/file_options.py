"""The arguments of ``import_file`` that say how a file is read, and the request that they make."""

from __future__ import annotations

import hashlib
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import CommandParser

from importsvc.files.mapping.editing import HeaderTarget
from importsvc.imports.services import FileRequest
from importsvc.spool import SpooledFile
from importsvc.text.display import printable

# How a shell writes separators that are hard to type.
_SEPARATORS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "none": ""}
_LARGEST_HEADER_ROW = 1_000
# Of the name that is stored with the file.
_LONGEST_NAME = 254
_READ_BYTES = 1 << 20

# Arguments that replace what is detected, by the name of the option.
_OPTIONS = ("encoding", "separator", "header_row", "sheet", "date_order", "decimal_sign")


def add_file_arguments(parser: CommandParser) -> None:
    """Add what can be said of a file that is not ``import_data``."""
    reading = parser.add_argument_group("how the file is read, in place of what is detected")
    reading.add_argument(
        "--encoding", type=_read_text, metavar="NAME", help="encoding of a text file, such as windows-1252"
    )
    reading.add_argument(
        "--separator",
        type=_read_separator,
        metavar="CHARACTER",
        help="the character between the cells of a text file; tab for a tab",
    )
    reading.add_argument(
        "--header-row",
        type=_read_row,
        metavar="ROW",
        help="the line of a text file, or the row of a sheet, that has the headers; 0 if there are none",
    )
    reading.add_argument(
        "--sheet", type=_read_text, metavar="NAME", help="name of a sheet of a workbook, or of an array in JSON"
    )
    reading.add_argument("--date-order", choices=("dmy", "mdy", "ymd"), help="order of day, month and year in dates")
    reading.add_argument("--decimal-sign", choices=(".", ","), help="decimal sign of numbers")
    mapping = parser.add_argument_group("the mapping, in place of the one that is proposed")
    mapping.add_argument(
        "--model",
        type=_read_text,
        metavar="NAME",
        help="a saved mapping of the organization, or a ready-made one such as google_contacts",
    )
    mapping.add_argument(
        "--map",
        dest="targets",
        action="append",
        default=[],
        type=_read_target,
        metavar="HEADER=TARGET",
        help='what a column fills, as "E-Mail=person.email", or "Size=person.custom_fields.size:number" with its kind;'
        " may be given several times",
    )
    mapping.add_argument(
        "--ignore",
        dest="ignored",
        action="append",
        default=[],
        type=_read_text,
        metavar="HEADER",
        help="a column that is not imported, or * for all that fill no target; may be given several times",
    )
    mapping.add_argument("--save-model", type=_read_text, metavar="NAME", help="save the mapping under this name")


def make_request(opened: BinaryIO, *, name: str, options: dict[str, Any]) -> FileRequest:
    """Read a file to its end.

    Args:
        opened: the file.
        name: its path; blank if it has none.
        options: the arguments of ``add_file_arguments`` by their names, ``on_duplicate`` and ``match_by``.

    Raises:
        OSError: the file cannot be read.
        DiskFull: there is no room for a temporary file.
    """
    content, digest = SpooledFile(printable(Path(name).name, _LONGEST_NAME)), hashlib.sha256()
    while part := opened.read(_READ_BYTES):
        digest.update(part)
        content.write(part)
    return FileRequest(
        content=content,
        sha256=digest.hexdigest(),
        name=content.name,
        options={name: options[name] for name in _OPTIONS if options[name] is not None},
        model=options["model"],
        targets=options["targets"],
        ignored=options["ignored"],
        matching={name: options[name] for name in ("on_duplicate", "match_by")},
    )


def _read_text(written: str) -> str:
    # Python decodes bytes that are not UTF-8 to lone surrogates, which no file and no name has.
    if not written.strip() or printable(written, len(written)) != written:
        raise ArgumentTypeError(f"{written!r} is no text in UTF-8")
    return written


def _read_separator(written: str) -> str:
    return _SEPARATORS.get(written, written)


def _read_row(written: str) -> int:
    if not (written.isascii() and written.isdecimal() and len(written) < 5 and int(written) <= _LARGEST_HEADER_ROW):
        raise ArgumentTypeError(f"{written!r} is not a number from 0 to {_LARGEST_HEADER_ROW}")
    return int(written)


def _read_target(written: str) -> HeaderTarget:
    # Headers may have any character; targets have neither = nor :.
    header, equals, target = _read_text(written).rpartition("=")
    name, _, kind = target.partition(":")
    if not (equals and header.strip() and name.strip()):
        raise ArgumentTypeError(f"{written!r} is not a header and a target as in E-Mail=person.email")
    return HeaderTarget(header, name.strip(), kind.strip() or None)
