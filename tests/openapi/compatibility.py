"""Finds what a newer description of the API takes from clients of an older one, by ``docs/compatibility.md``.

``python -m tests.openapi.compatibility`` writes the baseline anew, which is what to do at a release.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import jsoncompat

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "openapi.json"
BASELINE = DOCS / "compatibility" / "baseline.json"

# Whether the service reads what a schema describes, or writes it.
Role = Literal["deserializer", "serializer"]
READ: Role = "deserializer"
WRITTEN: Role = "serializer"

Description = Mapping[str, Any]

# What clients do not depend on.
_NOTES = {"description", "summary", "example", "examples", "tags", "links"}


def shorten(part: Any, *, is_named: bool = False) -> Any:
    """A description, or a part of it, without what is there for readers. The members of ``is_named`` have any names."""
    if isinstance(part, list):
        return [shorten(each) for each in part]
    if not isinstance(part, dict):
        return part
    return {
        name: shorten(each, is_named=name in ("properties", "responses", "paths", "schemas") and not is_named)
        for name, each in part.items()
        if is_named or name not in _NOTES
    }


def find_breaks(old: Description, new: Description) -> list[str]:
    """Each change by which a request may be refused that was accepted, or a response lacks what it had."""
    before, after = _resolve(old, old), _resolve(new, new)
    return [
        *_compare_operations(before["paths"], after["paths"], received=READ, sent=WRITTEN),
        # What an operation is to the service, a webhook is to the client.
        *_compare_operations(before.get("webhooks", {}), after.get("webhooks", {}), received=WRITTEN, sent=READ),
    ]


def _resolve(part: Any, description: Description) -> Any:
    if isinstance(part, list):
        return [_resolve(each, description) for each in part]
    if not isinstance(part, dict):
        return part
    if isinstance(reference := part.get("$ref"), str):
        target: Any = description
        for name in reference.split("/")[1:]:
            target = target[name.replace("~1", "/").replace("~0", "~")]
        return _resolve({**target, **{name: each for name, each in part.items() if name != "$ref"}}, description)
    return {name: _resolve(each, description) for name, each in part.items()}


def _compare_operations(old: Description, new: Description, *, received: Role, sent: Role) -> Iterator[str]:
    for path, methods in old.items():
        for method, operation in methods.items():
            where = f"{method.upper()} {path}"
            if (current := new.get(path, {}).get(method)) is None:
                yield f"{where} is removed"
                continue
            if operation["operationId"] != current["operationId"]:
                yield f"{where} is no longer {operation['operationId']}, after which clients name it"
            yield from _compare_parameters(_index(operation), _index(current), received, where)
            yield from _compare_bodies(operation.get("requestBody"), current.get("requestBody"), received, where)
            yield from _compare_responses(operation["responses"], current["responses"], sent, where)


def _index(operation: Description) -> dict[str, Any]:
    return {f"{each['in']} {each['name']}": each for each in operation.get("parameters", ())}


def _compare_parameters(old: Description, new: Description, role: Role, where: str) -> Iterator[str]:
    for name, parameter in new.items():
        if parameter.get("required") and not old.get(name, {}).get("required") and role == READ:
            yield f"{where}: {name} is required"
    for name, parameter in old.items():
        if name not in new:
            yield f"{where}: {name} is removed"
            continue
        for member in ("style", "explode"):
            if parameter.get(member) != new[name].get(member):
                yield f"{where}: {name} has another {member}"
        yield from _compare_schemas(parameter["schema"], new[name]["schema"], role, f"{where}: {name}")


def _compare_bodies(old: Any, new: Any, role: Role, where: str) -> Iterator[str]:
    if new and new.get("required") and not (old or {}).get("required"):
        yield f"{where}: a document is required"
    if old:
        yield from _compare_content(old["content"], (new or {}).get("content", {}), role, f"{where}: request")


def _compare_responses(old: Description, new: Description, role: Role, where: str) -> Iterator[str]:
    for status, response in old.items():
        if status not in new:
            if status < "4":
                yield f"{where}: {status} is removed"
            continue
        for name in response.get("headers", {}):
            if name not in new[status].get("headers", {}):
                yield f"{where}: {status} has no header {name}"
        yield from _compare_content(
            response.get("content", {}), new[status].get("content", {}), role, f"{where}: {status}"
        )


def _compare_content(old: Description, new: Description, role: Role, where: str) -> Iterator[str]:
    for media_type, content in old.items():
        if media_type not in new:
            yield f"{where}: {media_type} is removed"
        else:
            yield from _compare_schemas(content.get("schema", {}), new[media_type].get("schema", {}), role, where)


def _compare_schemas(old: Any, new: Any, role: Role, where: str) -> Iterator[str]:
    if old == new:
        return
    yield from _compare_words(old, new, role, where)
    yield from _locate(_prepare(old, role), _prepare(new, role), role, where)


def _locate(old: Any, new: Any, role: Role, where: str) -> Iterator[str]:
    """The innermost schemas that are not compatible."""
    if jsoncompat.check_compat(json.dumps(old), json.dumps(new), role):
        return
    inner = [
        found for name, before, after in _pair(old, new) for found in _locate(before, after, role, f"{where} {name}")
    ]
    yield from inner or [f"{where} is {'narrower' if role == READ else 'wider, or lacks a member'}"]


def _compare_words(old: Any, new: Any, role: Role, where: str) -> Iterator[str]:
    """Enums without a value that they had, and other patterns and formats of what the service reads."""
    lost = [each for each in old.get("enum", ()) if each not in new.get("enum", old["enum"])]
    if lost:
        yield f"{where} has no {', '.join(map(str, lost))}"
    if role == READ:
        for keyword in ("pattern", "format"):
            if keyword in new and old.get(keyword) != new[keyword]:
                yield f"{where} has another {keyword}"
    for name, before, after in _pair(old, new):
        yield from _compare_words(before, after, role, f"{where} {name}")


def _pair(old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """The schemas within that are in both."""
    for name, schema in old.get("properties", {}).items():
        if name in new.get("properties", {}):
            yield name, schema, new["properties"][name]
    for member in ("items", "additionalProperties"):
        if isinstance(old.get(member), dict) and isinstance(new.get(member), dict):
            yield member, old[member], new[member]
    for number, (schema, current) in enumerate(zip(old.get("anyOf", ()), new.get("anyOf", ()), strict=False)):
        yield f"anyOf {number}", schema, current


def _prepare(schema: Any, role: Role) -> Any:
    """The schema for jsoncompat: requests have only the described members, and responses may have more.

    That goes for the values of enums, too: clients accept new ones in responses.
    """
    if isinstance(schema, list):
        return [_prepare(each, role) for each in schema]
    if not isinstance(schema, dict):
        return schema
    prepared = {name: _prepare(each, role) for name, each in schema.items() if name not in _NOTES}
    if "properties" in schema:
        prepared["properties"] = {name: _prepare(each, role) for name, each in schema["properties"].items()}
        if role == READ:
            prepared.setdefault("additionalProperties", False)
    if role == WRITTEN and isinstance(schema.get("enum"), list):
        prepared.pop("enum")
    return prepared


if __name__ == "__main__":
    BASELINE.write_text(json.dumps(shorten(json.loads(PAGE.read_text())), separators=(",", ":")) + "\n")
