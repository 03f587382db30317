"""Ready-made mappings as resources, which are in no table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from importsvc.files.models import MissingCompanies, OnDuplicate
from importsvc.jsonapi.document.resources import Attribute, Resource
from importsvc.jsonapi.request.query import Listing

_TEXT: Mapping[str, Any] = {"type": "string"}
_OBJECT: Mapping[str, Any] = {"type": "object", "additionalProperties": True}

# The JSON schemas of the attributes: a name, and the members of a mapping document.
OF_READY_MADE: Mapping[str, Any] = {
    "name": _TEXT,
    "columns": {"type": "array", "items": _OBJECT},
    "ignored": {"type": "array", "items": _TEXT},
    "formats": _OBJECT,
    "match_by": {"type": ["string", "null"]},
    "on_duplicate": {**_TEXT, "enum": OnDuplicate.values},
    "missing_companies": {**_TEXT, "enum": MissingCompanies.values},
}

READY_MADE = Resource(
    "ready_made_mappings",
    "id",
    tuple(Attribute(name, name, is_time_stamp=False) for name in OF_READY_MADE),
    relationships={},
    included={},
    default_paths=(),
)
LISTING = Listing()
