"""What clients read and send back: attributes and relationships that requests may repeat, but not change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from importsvc.text.strict_json import is_same_value

# Of a relationship that is not valid; it differs from that of any record.
_NO_LINKAGE = object()


def find_changed(given: Mapping[str, Any], present: Mapping[str, Any]) -> dict[str, list[str]]:
    """An error for each attribute in ``present``, which the record has, whose given value is another one."""
    return {
        name: ["is read-only, and differs from the record's"]
        for name, value in present.items()
        if name in given and not _is_same(given[name], value)
    }


def has_changed_linkage(given: Mapping[str, Any], present: Mapping[str, Any]) -> bool:
    """Whether a given relationship is none of those in ``present``, which the record has."""
    return any(name not in present or read_linkage(given[name]) != read_linkage(present[name]) for name in given)


def read_linkage(relationship: Any) -> object:
    """The type and the id of the related resource, ``None`` if there is none, or ``_NO_LINKAGE``."""
    try:
        linkage = relationship["data"]
        # As text: the id of an organization is a number, and clients that write it as text mean the same.
        return None if linkage is None else (linkage["type"], str(linkage["id"]))
    except (TypeError, KeyError):
        return _NO_LINKAGE


def _is_same(given: Any, present: Any) -> bool:
    return is_same_value(given, present) or (isinstance(present, str) and _is_same_time(given, present))


def _is_same_time(given: Any, present: str) -> bool:
    """Whether both are the same time, in whatever zone: many clients read a time stamp and write it in UTC."""
    try:
        return datetime.fromisoformat(given) == datetime.fromisoformat(present)
    except (TypeError, ValueError):
        return False
