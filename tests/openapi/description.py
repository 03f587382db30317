"""Checks responses against the description of the API: each must be one that it has."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any
from urllib.parse import quote, urlsplit

from django.http import HttpResponse
from jsonschema_rs import Draft202012, Draft202012Validator, Registry

from importsvc.openapi.views import generate_description, write_description

MEDIA_TYPE = "application/vnd.api+json"

# Of larger documents the head says enough, and checking takes seconds.
LARGEST_CHECKED = 50_000


@cache
def read_description() -> Any:
    """The description, as it is served."""
    return json.loads(write_description())


def forget_description() -> None:
    """Let the description be made anew, after a type was registered or unregistered."""
    for made in (generate_description, read_description, make_validator, _make_registry):
        made.cache_clear()


def check_response(method: str, path: str, response: HttpResponse) -> None:
    """The description has this response to this request, and its document has no members but those described."""
    if response.status_code == 304 or method == "HEAD" or "Content-Encoding" in response.headers:
        return
    if is_file(response):
        check_file(method, path, response)
        return
    # What replays a response that was too large to be stored is a shorter document.
    if len(response.content) > LARGEST_CHECKED or "Idempotency-Replayed" in response.headers:
        return
    document = json.loads(response.content)
    if "errors" in document:
        assert_valid("/components/schemas/ErrorDocument", document)
    if (operation := find_operation(method, path)) is None:
        assert response.status_code in (400, 401, 404, 405), f"{method} {path} is not described"
        return
    status = str(response.status_code)
    responses = resolve(operation)["responses"]
    assert status in responses, f"{method} {path} may not respond with {status}: {response.content!r}"
    if "errors" in document:
        for error in document["errors"]:
            assert f"`{error['code']}`" in responses[status]["description"], f"{method} {path}: {error}"
    else:
        assert_valid(f"{operation}/responses/{status}/content/{escape(MEDIA_TYPE)}/schema", document)


def is_file(response: HttpResponse) -> bool:
    """Whether the response is a file in place of a document."""
    return "Content-Disposition" in response.headers


def check_file(method: str, path: str, response: HttpResponse) -> None:
    """The description has a file of this type as the response to this request."""
    operation = find_operation(method, path)
    assert operation is not None, f"{method} {path} is not described"
    found = resolve(operation)["responses"][str(response.status_code)]
    assert list(found["content"]) == [response.headers["Content-Type"].partition(";")[0]]
    assert set(found["headers"]) <= set(response.headers)


def find_operation(method: str, path: str) -> str | None:
    """A JSON pointer to the operation of a request; ``None`` if there is none."""
    only_path = urlsplit(path if path.startswith("/") else f"/api/v2/{path}").path.removesuffix("/")
    # Concrete paths come before those with parameters (OpenAPI 3.1, section 4.8.8.2).
    for template, operations in sorted(read_description()["paths"].items(), key=lambda item: item[0].count("{")):
        pattern = re.sub(r"\\{[a-z_]+\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, only_path) and method.lower() in operations:
            return f"/paths/{escape(template)}/{method.lower()}"
    return None


def resolve(pointer: str) -> Any:
    """The part of the description that a JSON pointer names."""
    part = read_description()
    for name in pointer.split("/")[1:]:
        part = part[name.replace("~1", "/").replace("~0", "~")]
    return part


def escape(name: str) -> str:
    """A name as a part of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def assert_valid(pointer: str, document: Any) -> None:
    """A document is valid by the schema that a pointer names, and has no members besides."""
    errors = [f"{error.instance_path}: {error.message}" for error in make_validator(pointer).iter_errors(document)]
    assert not errors, "\n".join(errors)


@cache
def make_validator(pointer: str) -> Draft202012Validator:
    """A validator of documents by the schema that a pointer names."""
    return Draft202012Validator({"$ref": f"urn:description#{quote(pointer)}"}, registry=_make_registry())


@cache
def _make_registry() -> Registry:
    return Registry([("urn:description", _close(read_description()))], draft=Draft202012)


def _close(part: Any) -> Any:
    """The part, with objects that have no members but those in ``properties``."""
    if isinstance(part, list):
        return [_close(each) for each in part]
    if not isinstance(part, dict):
        return part
    closed = {name: _close(each) for name, each in part.items()}
    if isinstance(part.get("properties"), dict) and part.get("type") in ("object", ["object", "null"]):
        closed.setdefault("additionalProperties", False)
    return closed
