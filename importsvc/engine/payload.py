"""``import_data``: from text, or JSON already read, to the rows of each type (contract, section 2.5)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from importsvc.engine.errors import PayloadError
from importsvc.strict_json import AmbiguousObject, read_json
from importsvc.text import printable


def read_payload(import_data: object, *, types: Collection[str]) -> dict[str, list[Any]]:
    """The rows of each type that ``import_data`` submits, in its order; rows are not looked at yet.

    Args:
        import_data: a string that holds JSON, or that JSON itself.
        types: the names of the types that can be imported.

    Raises:
        PayloadError: not JSON, not an object of arrays, an unknown type, or no row at all; says where and what.
    """
    if isinstance(import_data, str):
        try:
            import_data = read_json(import_data)
        except ValueError as error:
            raise PayloadError(f"is not valid JSON: {error}") from None
    if not isinstance(import_data, dict):
        raise PayloadError(f"must be an object with an array of rows for each type ({', '.join(types)})")
    if isinstance(import_data, AmbiguousObject):
        raise PayloadError(f"names '{printable(import_data.repeated[0])}' twice")
    for name, rows in import_data.items():
        if name not in types:
            raise PayloadError(f"has an unknown type '{printable(name)}'; known are {', '.join(types)}")
        if not isinstance(rows, list):
            raise PayloadError(f"'{name}' must be an array of rows")
    if not any(import_data.values()):
        raise PayloadError("has no rows")
    return import_data
