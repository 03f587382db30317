"""``import_changes`` as resources: changes in the change log, in previews of imports and in previews of reverts.

Previewed changes are not in a table, and the records of changes have different types. So the documents are built here,
without a serializer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from importsvc.changelog.models import Action, Change, Outcome
from importsvc.imports.errors import describe_conflict
from importsvc.imports.services import PlannedChange, UndoChange, get_resource_type
from importsvc.jsonapi.document.resources import Attribute, Relationship, Resource

CHANGES = "import_changes"

_RELATIONSHIPS = {
    "import": Relationship("import", None, "imports", str),
    "record": Relationship("record", None, "", str),  # of any type
}


def _declare(*names: str, on_request: Collection[str] = ()) -> Resource:
    attributes = tuple(Attribute(name, name, is_time_stamp=False) for name in (*names, *on_request))
    return Resource(
        CHANGES, "id", attributes, _RELATIONSHIPS, included={}, default_paths=(), on_request=frozenset(on_request)
    )


# The fields of the three documents, for ``fields[import_changes]``.
LOGGED = _declare("row", "action", "before", "after", "outcome", "kept_fields")
PLANNED = _declare("row", "action", "before", "after", on_request=["without_key"])
UNDOING = _declare("row", "action", "before", "after", "outcome", "fields", "conflicts")

_VALUES = {"type": ["object", "null"], "description": "Values by column of the table."}
_NAMES = {"type": ["array", "null"], "items": {"type": "string"}}

# The JSON schemas of the attributes of all three, for the description of the API.
ATTRIBUTE_SCHEMAS: Mapping[str, Any] = {
    "row": {"type": "integer", "minimum": 1},
    "action": {"type": "string", "enum": Action.values},
    "before": _VALUES,
    "after": _VALUES,
    "outcome": {"type": ["string", "null"], "enum": [*Outcome.values, "conflict", None]},
    "kept_fields": _NAMES,
    "without_key": {
        "type": "boolean",
        "description": "Whether the row creates a record each time that it comes, because it has no value to match by.",
    },
    "fields": _NAMES,
    "conflicts": {"type": "array", "items": {"type": "object"}},
}

_NUMBERS = {"type": "object", "additionalProperties": {"type": "integer"}}

# Likewise of the members of ``meta`` that previews have.
PREVIEW_META: Mapping[str, Any] = {
    "counts": {"type": "object", "additionalProperties": _NUMBERS},
    "without_key": _NUMBERS,
    "row_errors": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "object"}}},
    "error_count": {"type": "integer"},
}


class ChangeWriter:
    """Builds resource objects of changes with the fields that a request asks for."""

    def __init__(self, resource: Resource, import_id: int, fields: Collection[str] | None) -> None:
        """``fields`` are names of fields of the resource; ``None`` stands for the default ones."""
        self._import_id = import_id
        shown = resource.default_field_names if fields is None else fields
        self._attributes = [each.name for each in resource.attributes if each.name in shown]
        self._relationships = [name for name in resource.relationships if name in shown]

    def write_logged(self, change: Change, *, is_reverted: bool) -> dict[str, Any]:
        """The resource object of a change in the change log."""
        outcome = change.find_outcome(is_reverted=is_reverted)
        return self._write(change.pk, change.record_type, change, outcome=outcome, kept_fields=change.kept_fields)

    def write_planned(self, change: PlannedChange) -> dict[str, Any]:
        """The resource object of a change that an import would make; its id is made of the type and the row."""
        name = change.importable.name
        return self._write(f"{name}-{change.row}", name, change, without_key=change.without_key)

    def write_undoing(self, undoing: UndoChange) -> dict[str, Any]:
        """The resource object of a change that a revert would undo."""
        of_record = {"type", "id", "row"}  # already in the resource object
        conflicts = [
            {name: value for name, value in describe_conflict(conflict).items() if name not in of_record}
            for conflict in undoing.conflicts
        ]
        change, fields = undoing.change, list(undoing.fields)
        return self._write(
            change.pk, change.record_type, change, outcome=undoing.outcome, fields=fields, conflicts=conflicts
        )

    def _write(
        self, change_id: object, record_type: str, change: Change | PlannedChange, **further: Any
    ) -> dict[str, Any]:
        """A resource object with further attributes. The link to the record is null if the record is to be created."""
        attributes = {name: getattr(change, name) for name in ("row", "action", "before", "after")} | further
        record = {"type": get_resource_type(record_type), "id": str(change.record_id)}
        linkage = {
            "import": {"type": "imports", "id": str(self._import_id)},
            "record": None if change.record_id is None else record,
        }
        written: dict[str, Any] = {"id": str(change_id), "type": CHANGES}
        if self._attributes:
            written["attributes"] = {name: attributes[name] for name in self._attributes}
        if self._relationships:
            written["relationships"] = {name: {"data": linkage[name]} for name in self._relationships}
        return written
