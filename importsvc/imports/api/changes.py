"""``import_changes`` as resources: changes in the change log, in previews of imports and in previews of reverts.

Previewed changes are not in a table, and the records of changes have different types. So the documents are built here,
without a serializer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from importsvc.changelog.models import Change
from importsvc.imports.errors import describe_conflict
from importsvc.imports.services import PlannedChange, UndoChange, get_resource_type
from importsvc.jsonapi.document.resources import Attribute, Relationship, Resource

CHANGES = "import_changes"

_RELATIONSHIPS = {name: Relationship(name, None, name, str) for name in ("import", "record")}


def _declare(*names: str) -> Resource:
    attributes = tuple(Attribute(name, name, is_time_stamp=False) for name in names)
    return Resource(CHANGES, "id", attributes, _RELATIONSHIPS, included={}, default_paths=())


# The fields of the three documents, for ``fields[import_changes]``.
LOGGED = _declare("row", "action", "before", "after", "outcome", "kept_fields")
PLANNED = _declare("row", "action", "before", "after")
UNDOING = _declare("row", "action", "before", "after", "outcome", "fields", "conflicts")


class ChangeWriter:
    """Builds resource objects of changes with the fields that a request asks for."""

    def __init__(self, resource: Resource, import_id: int, fields: Collection[str] | None) -> None:
        """``fields`` are names of fields of the resource; ``None`` stands for all."""
        self._import_id = import_id
        shown = resource.field_names if fields is None else fields
        self._attributes = [each.name for each in resource.attributes if each.name in shown]
        self._relationships = [name for name in resource.relationships if name in shown]

    def write(
        self, change_id: str, record_type: str, record_id: int | None, attributes: Mapping[str, Any]
    ) -> dict[str, Any]:
        """A resource object. The link to the record is null if the record is to be created."""
        written: dict[str, Any] = {"id": change_id, "type": CHANGES}
        if self._attributes:
            written["attributes"] = {name: attributes[name] for name in self._attributes}
        linkage: dict[str, Any] = {
            "import": {"type": "imports", "id": str(self._import_id)},
            "record": None if record_id is None else {"type": get_resource_type(record_type), "id": str(record_id)},
        }
        if self._relationships:
            written["relationships"] = {name: {"data": linkage[name]} for name in self._relationships}
        return written


def describe_change(change: Change, *, is_reverted: bool) -> dict[str, Any]:
    """The attributes of a change in the change log."""
    outcome = change.find_outcome(is_reverted=is_reverted)
    return {**_describe(change), "outcome": outcome, "kept_fields": change.kept_fields}


def _describe(change: Any) -> dict[str, Any]:
    return {name: getattr(change, name) for name in ("row", "action", "before", "after")}


def write_logged(writer: ChangeWriter, changes: Sequence[Change], *, is_reverted: bool) -> list[dict[str, Any]]:
    """Resource objects of changes in the change log."""
    return [
        writer.write(
            str(change.pk), change.record_type, change.record_id, describe_change(change, is_reverted=is_reverted)
        )
        for change in changes
    ]


def write_planned(writer: ChangeWriter, changes: Sequence[PlannedChange]) -> list[dict[str, Any]]:
    """Resource objects of changes that an import would make; their ids are made of the type and the row."""
    return [
        writer.write(
            f"{change.importable.name}-{change.row}", change.importable.name, change.record_id, _describe(change)
        )
        for change in changes
    ]


def write_undoing(writer: ChangeWriter, changes: Sequence[UndoChange]) -> list[dict[str, Any]]:
    """Resource objects of changes that a revert would undo."""
    of_record = {"type", "id", "row"}  # already in the resource object
    return [
        writer.write(
            str(undoing.id),
            undoing.record_type,
            undoing.record_id,
            {
                **_describe(undoing),
                "outcome": undoing.outcome,
                "fields": list(undoing.fields),
                "conflicts": [
                    {name: value for name, value in describe_conflict(conflict).items() if name not in of_record}
                    for conflict in undoing.conflicts
                ],
            },
        )
        for undoing in changes
    ]
