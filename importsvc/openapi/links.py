"""The links of the description (OpenAPI 3.1, section 4.8.20): from a response to the operations that its data leads to.

Tools that call one operation after another follow them.
"""

from __future__ import annotations

from typing import Any

from importsvc.jsonapi.description import Description

_STANDARD = ("retrieve", "partial_update", "destroy")

# A runtime expression (OpenAPI 3.1, section 4.8.20.4): the id in the document of a record.
_ID = "$response.body#/data/id"

Link = dict[str, Any]


def list_record_operations(view_class: Any) -> list[str]:
    """The ids of the operations on one record, of the view's records."""
    actions = [name for name in _STANDARD if hasattr(view_class, name)]
    for extra in view_class.get_extra_actions():
        if extra.detail:
            actions.extend(extra.mapping.values())
    return actions


def describe_links(view: Any, described: Description) -> dict[str, Link]:
    """The links of the successful response of the view's action: to what can be done with its record.

    A list has none: it may be empty. Nor has a file.
    """
    if described.previews:
        parameters = {"path.id": "$request.path.id", "header.If-Match": "$response.header.ETag"}
        operation_id = f"{view.basename}_{described.previews}"
        return {described.previews: {"operationId": operation_id, "parameters": parameters}}
    if described.file_type or not described.has_data or view.get_listing():
        return {}
    return link_to_record(view.basename, type(view))


def link_to_record(basename: str, view_class: Any) -> dict[str, Link]:
    """Links to the operations on the record of a document."""
    return {
        action: {"operationId": f"{basename}_{action}", "parameters": {"id": _ID}}
        for action in list_record_operations(view_class)
    }
