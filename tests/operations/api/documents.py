"""Documents of operations for tests."""

from __future__ import annotations

from typing import Any

from tests.client import ApiClient, document_of


def of_operation(api: ApiClient, operation_id: object, **attributes: Any) -> dict[str, Any]:
    """The resource object of a queued operation of the client's person, with other attributes and relationships."""
    linkage = attributes.pop("import_", None)
    return {
        "id": str(operation_id),
        "type": "operations",
        "attributes": {
            "kind": "import",
            "status": "queued",
            "progress": {"phase": None, "done": 0, "total": 0},
            "attempts": 0,
            "errors": [],
            "queued_at": None,
            "started_at": None,
            "finished_at": None,
            **attributes,
        },
        "relationships": {
            "import": {"data": None if linkage is None else {"type": "imports", "id": str(linkage)}},
            "creator": {"data": {"type": "people", "id": str(api.caller.person.pk)}},
        },
    }


def read_operation(api: ApiClient, operation_id: object, query: str = "") -> Any:
    """The resource object of an operation."""
    return document_of(api.get(f"operations/{operation_id}{query}"))["data"]


def without_times(resource: dict[str, Any]) -> dict[str, Any]:
    """The resource object with null for each time stamp that is set, which must be one with an offset."""
    attributes = dict(resource["attributes"])
    for name in ("queued_at", "started_at", "finished_at"):
        assert attributes[name] is None or attributes[name].endswith(("+01:00", "+02:00")), attributes
        attributes[name] = None
    return {**resource, "attributes": attributes}
