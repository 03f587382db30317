"""The links of the description (OpenAPI 3.1, section 4.8.20): from a response to the operations that its data leads to.

Tools that call one operation after another follow them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from importsvc.jsonapi.description import Description

_STANDARD = ("retrieve", "partial_update", "destroy")

# Runtime expressions (OpenAPI 3.1, section 4.8.20.4): the id in the document of a record, the attributes of the first
# item in a list, and what the path of the request had.
_ID = "$response.body#/data/id"
_OF_FIRST = "$response.body#/data/0/attributes/{name}"
_OF_PATH = "$request.path.{name}"

Link = dict[str, Any]


def describe_links(view: Any, described: Description) -> dict[str, Link]:
    """The links of the successful response of the view's action: to what can be done with its record.

    A list of what a record has leads to its first item, which need not be there. Other lists have no links, nor have
    files.
    """
    if described.previews:
        parameters = {"path.id": "$request.path.id", "header.If-Match": "$response.header.ETag"}
        operation_id = f"{view.basename}_{described.previews}"
        return {described.previews: {"operationId": operation_id, "parameters": parameters}}
    if described.file_type or not described.has_data:
        return {}
    if described.path_parameters:
        return _link_to_items(view, _OF_PATH)
    if view.get_listing():
        shown = {item.component for _, item in _list_item_operations(type(view))} - {""}
        return _link_to_items(view, _OF_FIRST) if described.component in shown else {}
    return link_to_record(view.basename, type(view))


def link_to_record(basename: str, view_class: Any) -> dict[str, Link]:
    """Links to the operations on the record of a document."""
    return {
        action: {"operationId": f"{basename}_{action}", "parameters": {"id": _ID}}
        for action in _list_record_operations(view_class)
    }


def _link_to_items(view: Any, expression: str) -> dict[str, Link]:
    """Links to the operations on a part of a record, whose path has parameters besides the id of the record."""
    return {
        action: {
            "operationId": f"{view.basename}_{action}",
            "parameters": {
                "path.id": "$request.path.id",
                **{f"path.{name}": expression.format(name=name) for name in item.path_parameters},
            },
        }
        for action, item in _list_item_operations(type(view))
    }


def _list_record_operations(view_class: Any) -> list[str]:
    """The actions of the view on one record."""
    items = dict(_list_item_operations(view_class))
    actions = [name for name in _STANDARD if hasattr(view_class, name)]
    return [*actions, *(action for action in _list_extra_actions(view_class) if action not in items)]


def _list_item_operations(view_class: Any) -> Iterator[tuple[str, Description]]:
    """The actions of the view on a part of a record."""
    for action in _list_extra_actions(view_class):
        described: Description = getattr(view_class, action).description
        if described.path_parameters:
            yield action, described


def _list_extra_actions(view_class: Any) -> Iterator[str]:
    for extra in view_class.get_extra_actions():
        if extra.detail:
            yield from extra.mapping.values()
