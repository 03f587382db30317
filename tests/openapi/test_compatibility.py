"""Clients written for the last version still work: nothing is taken from the description that they may use."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.openapi.compatibility import BASELINE, DOCS, PAGE, find_breaks, shorten

Change = Callable[[Any], Any]

LIST = "/api/v2/imports"
DELIVERIES = "/api/v2/webhook_deliveries"
RESPONSE = ("responses", "200", "content", "application/vnd.api+json")


@pytest.fixture(scope="module")
def baseline() -> Any:
    """The description of the last version."""
    return json.loads(BASELINE.read_text())


def find_parameter(description: Any, path: str, name: str) -> Any:
    """A parameter of a list."""
    return next(each for each in description["paths"][path]["get"]["parameters"] if each["name"] == name)


def find_attributes(description: Any, method: str = "post", path: str = LIST) -> Any:
    """The attributes of a request's document."""
    content = description["paths"][path][method]["requestBody"]["content"]["application/vnd.api+json"]
    schema = content["schema"]
    # Where a document may be of one of several schemas, the first one.
    first = schema["anyOf"][0] if "anyOf" in schema else schema
    return first["properties"]["data"]["properties"]["attributes"]


def find_schema(description: Any, name: str) -> Any:
    """The attributes of a resource in responses."""
    return description["components"]["schemas"][name]["properties"]["attributes"]["properties"]


def find_row(description: Any) -> Any:
    """The columns of a row of companies."""
    return description["components"]["schemas"]["ImportData"]["properties"]["company"]["items"]["properties"]


BREAKING: list[tuple[str, Change, str]] = [
    ("an operation", lambda d: d["paths"].pop("/api/v2/people"), "GET /api/v2/people is removed"),
    ("its name", lambda d: d["paths"][LIST]["get"].update(operationId="other"), "is no longer imports_list"),
    ("a parameter", lambda d: d["paths"][LIST]["get"]["parameters"].pop(0), "query page[number] is removed"),
    (
        "a word",
        lambda d: find_parameter(d, LIST, "sort")["schema"]["items"]["enum"].remove("id"),
        "sort items has no id",
    ),
    ("a limit", lambda d: find_parameter(d, LIST, "page[size]")["schema"].update(maximum=9), "page[size] is narrower"),
    ("a least", lambda d: find_parameter(d, LIST, "include")["schema"].update(minItems=1), "include is narrower"),
    (
        "a pattern",
        lambda d: find_attributes(d)["properties"]["sample"].update(pattern="^a"),
        "sample has another pattern",
    ),
    ("a style", lambda d: find_parameter(d, LIST, "sort").update(explode=True), "query sort has another explode"),
    ("a new duty", lambda d: find_parameter(d, LIST, "sort").update(required=True), "query sort is required"),
    (
        "a new parameter that is required",
        lambda d: d["paths"][LIST]["get"]["parameters"].append(
            {"name": "a", "in": "query", "required": True, "schema": {}}
        ),
        "query a is required",
    ),
    (
        "a document",
        lambda d: d["paths"][f"{LIST}/{{id}}/revert"]["patch"]["requestBody"].update(required=True),
        "document",
    ),
    (
        "its media type",
        lambda d: d["paths"][LIST]["post"]["requestBody"]["content"].clear(),
        "request: application/vnd",
    ),
    ("an attribute", lambda d: find_attributes(d)["properties"].pop("sample"), "data attributes is narrower"),
    ("a required one", lambda d: find_attributes(d)["required"].append("sample"), "data attributes is narrower"),
    ("a type", lambda d: find_attributes(d)["properties"]["sample"].update(type="boolean"), "sample is narrower"),
    ("a value", lambda d: find_attributes(d)["properties"]["on_duplicate"]["enum"].remove("skip"), "has no skip"),
    ("a column", lambda d: find_row(d).pop("name"), "company items is narrower"),
    ("a length", lambda d: find_row(d)["name"].update(maxLength=9), "company items name is narrower"),
    ("a status", lambda d: d["paths"][LIST]["post"]["responses"].pop("202"), "POST /api/v2/imports: 202 is removed"),
    (
        "a header",
        lambda d: d["paths"][LIST]["post"]["responses"]["201"]["headers"].clear(),
        "201 has no header Location",
    ),
    ("what is sent", lambda d: find_schema(d, "imports").pop("started_at"), "data items attributes is wider"),
    ("its type", lambda d: find_schema(d, "imports")["sample"].update(type=["boolean", "string"]), "sample is wider"),
    ("its presence", lambda d: d["components"]["schemas"]["imports"]["required"].remove("id"), "data items is wider"),
    ("a state", lambda d: find_schema(d, "imports")["state"]["enum"].remove("created"), "state has no created"),
    ("a webhook", lambda d: d["webhooks"].pop("import.processed"), "POST import.processed is removed"),
    (
        "a header of a webhook",
        lambda d: d["webhooks"]["import.processed"]["post"]["parameters"].pop(),
        "header webhook-signature is removed",
    ),
]

HARMLESS: list[tuple[str, Change]] = [
    ("an operation", lambda d: d["paths"].update({"/api/v2/a": d["paths"]["/api/v2/people"]})),
    ("a parameter", lambda d: d["paths"][LIST]["get"]["parameters"].append({"name": "a", "in": "query", "schema": {}})),
    ("a word", lambda d: find_parameter(d, LIST, "sort")["schema"]["items"]["enum"].append("a")),
    ("an attribute", lambda d: find_attributes(d)["properties"].update(a={"type": "string"})),
    ("a type", lambda d: find_attributes(d)["properties"]["sample"].update(type=["boolean", "null", "string"])),
    ("a column", lambda d: find_row(d).update(a={"type": "string"})),
    ("what is sent", lambda d: find_schema(d, "imports").update(a={"type": "string"})),
    ("a state", lambda d: find_schema(d, "imports")["state"]["enum"].append("a")),
    ("a header", lambda d: d["paths"][LIST]["post"]["responses"]["201"]["headers"].update(A={"schema": {}})),
    ("a status", lambda d: d["paths"][LIST]["get"]["responses"].update({"418": {"description": ""}})),
    ("a webhook", lambda d: d["webhooks"].update(a=d["webhooks"]["import.processed"])),
    ("a note", lambda d: d["paths"][LIST]["get"].update(summary="Other", deprecated=True)),
]


def test_clients_of_the_last_version_lose_nothing(baseline: Any) -> None:
    assert find_breaks(baseline, json.loads(PAGE.read_text())) == [], "docs/compatibility.md has the rules"


def test_the_baseline_is_the_last_version(baseline: Any) -> None:
    versions = re.findall(r"^## (\d+\.\d+\.\d+)", (DOCS.parent / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert baseline == shorten(baseline)
    assert versions[:1] in ([], [baseline["info"]["version"]])


@pytest.mark.parametrize(("change", "expected"), [each[1:] for each in BREAKING], ids=[each[0] for each in BREAKING])
def test_what_is_taken_is_found(baseline: Any, change: Change, expected: str) -> None:
    changed = copy.deepcopy(baseline)
    change(changed)

    found = find_breaks(baseline, changed)

    assert any(expected in each for each in found), found


@pytest.mark.parametrize("change", [each[1] for each in HARMLESS], ids=[each[0] for each in HARMLESS])
def test_what_is_added_is_no_break(baseline: Any, change: Change) -> None:
    changed = copy.deepcopy(baseline)
    change(changed)

    assert changed != baseline
    assert find_breaks(baseline, changed) == []
