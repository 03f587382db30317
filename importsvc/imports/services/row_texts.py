"""The JSON text of a staged row, changed cell by cell: cells that are not changed keep their text."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from importsvc.engine.parse.rows import name_unknown
from importsvc.engine.schema.importable import Importable, normalize_header
from importsvc.errors import InvalidAttribute
from importsvc.imports.services.cell_problems import describe_cell
from importsvc.text.display import printable
from importsvc.text.json_stream import split_members
from importsvc.text.strict_json import AmbiguousObject

# The name and the JSON text of each member of a row, in order.
Members = list[tuple[str, str]]


def read_row(text: str) -> Members:
    """The members of a row; none if it is no object."""
    return split_members(text) if text.startswith("{") else []


def write_row(members: Members) -> str:
    return "{" + ", ".join([f"{_write_name(name)}: {value}" for name, value in members]) + "}"


def may_have(row: Any, column: str, wanted: str | None) -> bool:
    """Whether a row may have a cell in the column, with this text unless it is ``None``."""
    if isinstance(row, AmbiguousObject):
        return True
    cells = row.items() if isinstance(row, dict) else ()
    return any(is_named(header, column) and wanted in (None, describe_cell(cell)) for header, cell in cells)


def set_cells(members: Members, importable: Importable, cells: Mapping[str, Any]) -> Members:
    """The members with these cells, each at the place of the first member for its column, or at the end.

    Raises:
        InvalidAttribute: a cell is of no column, and not removed.
    """
    require_known(importable, [name for name, value in cells.items() if value is not None], attribute="cells")
    for column, value in cells.items():
        places = [place for place, (name, _) in enumerate(members) if is_named(name, column)]
        if value is None:
            members = [member for place, member in enumerate(members) if place not in places]
            continue
        text = _write_value(value, column)
        if places:
            name = members[places[0]][0]
            members = [member for place, member in enumerate(members) if place not in places[1:]]
            members[places[0]] = (name, text)
        else:
            members = [*members, (column, text)]
    return members


# Rows repeat their headers.
_write_name = lru_cache(maxsize=4_096)(json.dumps)


@lru_cache(maxsize=4_096)
def is_named(header: str, column: str) -> bool:
    """Whether the header names this column, which may be unknown."""
    return normalize_header(header) == normalize_header(column) or name_unknown(header) == column


def _write_value(value: Any, column: str) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError):  # a number such as 1e999 is read as infinity
        detail = f"has a value of '{printable(column)}' that is too large or nested too deep"
        raise InvalidAttribute(detail, attribute="cells") from None


def require_known(importable: Importable, columns: Collection[str], *, attribute: str) -> None:
    for column in columns:
        if normalize_header(column) not in importable.headers:
            raise InvalidAttribute(
                f"has '{printable(column)}', which is no column of {importable.name}", attribute=attribute
            )
