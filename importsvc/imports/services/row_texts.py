"""The JSON text of a staged row, changed cell by cell: cells that are not changed keep their text."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

from importsvc.engine.schema.importable import Importable, normalize_header
from importsvc.errors import InvalidAttribute
from importsvc.imports.services.cell_problems import describe_cell, is_named
from importsvc.text.display import printable
from importsvc.text.json_rows import split_members
from importsvc.text.strict_json import AmbiguousObject, is_same_value

# The name and the JSON text of each member of a row, in order.
Members = list[tuple[str, str]]


def read_row(text: str) -> Members:
    """The members of a row; none if it is no object."""
    return split_members(text) if text.startswith("{") else []


def write_row(members: Members) -> str:
    return "{" + ", ".join([f"{_write_name(name)}: {value}" for name, value in members]) + "}"


class Replacement:
    """Replaces a value in a column of rows of one type."""

    def __init__(self, importable: Importable, column: str, *, wanted: str | None, to: Any) -> None:
        """Replace the cells with a text, or all of them.

        Args:
            importable: the type of the rows.
            column: the name of the column, or a header of an unknown one.
            wanted: the text as ``describe_cell`` gives it; ``None`` for any.
            to: the new value; ``None`` removes the cells.

        Raises:
            InvalidAttribute: the column is unknown, and there is a new value.
        """
        require_known(importable, [column] if to is not None else [], attribute="column")
        self._column = column
        self._wanted = wanted
        self._text = None if to is None else _write_value(to, column)
        # Rows repeat the value.
        self._describe = lru_cache(maxsize=1_024)(lambda text: describe_cell(json.loads(text)))

    def find(self, rows: Sequence[Any]) -> list[int]:
        """The indexes of the rows that may have the value, which are all that may be changed."""
        headers = {header for row in rows if isinstance(row, dict) for header in row}
        named = [header for header in headers if is_named(header, self._column)]
        return [index for index, row in enumerate(rows) if self._may_have(row, named)]

    def _may_have(self, row: Any, headers: Collection[str]) -> bool:
        if isinstance(row, AmbiguousObject):
            return True
        return isinstance(row, dict) and any(
            header in row and self._wanted in (None, describe_cell(row[header])) for header in headers
        )

    def __call__(self, text: str) -> str:
        """The text of a row after the replacement."""
        members = read_row(text)
        places = _find_places(members, self._column)
        if not places:
            return text
        if self._wanted is not None and all(self._describe(members[place][1]) != self._wanted for place in places):
            return text
        return write_row(_set_cell(members, places, self._column, self._text))


def find_changed_cells(members: Members, cells: Mapping[str, Any]) -> dict[str, Any]:
    """The cells without those that the row has already, under the same header and no other one of the column.

    So clients may send back what they have read, unknown columns included, and other cells keep their text.
    """
    return {column: value for column, value in cells.items() if not _has_cell(members, column, value)}


def _has_cell(members: Members, column: str, value: Any) -> bool:
    named = [(name, text) for name, text in members if is_named(name, column)]
    return len(named) == 1 and named[0][0] == column and is_same_value(value, json.loads(named[0][1]))


def set_cells(members: Members, importable: Importable, cells: Mapping[str, Any]) -> Members:
    """The members with these cells, each at the place of the first member for its column, or at the end.

    Raises:
        InvalidAttribute: a cell is of no column, and not removed.
    """
    require_known(importable, [name for name, value in cells.items() if value is not None], attribute="cells")
    for column, value in cells.items():
        text = None if value is None else _write_value(value, column)
        members = _set_cell(members, _find_places(members, column), column, text)
    return members


def _find_places(members: Members, column: str) -> list[int]:
    return [place for place, (name, _) in enumerate(members) if is_named(name, column)]


def _set_cell(members: Members, places: Sequence[int], column: str, text: str | None) -> Members:
    """The members with this text at the first of the places of a column, or without the column."""
    if text is None:
        return [member for place, member in enumerate(members) if place not in places]
    if not places:
        return [*members, (column, text)]
    name = members[places[0]][0]
    members = [member for place, member in enumerate(members) if place not in places[1:]]
    members[places[0]] = (name, text)
    return members


# Rows repeat their headers.
_write_name = lru_cache(maxsize=4_096)(json.dumps)


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
