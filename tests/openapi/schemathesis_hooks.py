"""What schemathesis has to be told about requests; ``docs/compatibility.md`` has the reasons."""

from __future__ import annotations

import itertools
from typing import Any

import schemathesis
from schemathesis import Case, HookContext
from schemathesis.generation.meta import CoverageScenario

_numbers = itertools.count()


def find_example(case: Case) -> Any:
    """The example of a request's document, by which later requests have a record to be about."""
    content = case.operation.definition.raw.get("requestBody", {}).get("content", {})
    return content.get(case.media_type, {}).get("example")


def number_name(document: Any) -> Any:
    """The document with a number after the name that it may have."""
    data = document.get("data", {}) if isinstance(document, dict) else {}
    if "name" not in data.get("attributes", {}):
        return document
    name = f"{data['attributes']['name']} {next(_numbers)}"
    return {"data": {**data, "attributes": {**data["attributes"], "name": name}}}


def refuse_errors(document: Any) -> None:
    """Let rows with errors, which the description does not have, be refused."""
    data = document.get("data") if isinstance(document, dict) else None
    attributes = data.get("attributes") if isinstance(data, dict) else None
    if isinstance(attributes, dict) and attributes.get("on_row_error") in ("stage", "skip"):
        attributes["on_row_error"] = "refuse"


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Change a request before it is sent; schemathesis then judges again whether it is valid."""
    phase, data = (case.meta.phase.name.value, case.meta.phase.data) if case.meta else ("", None)
    if getattr(data, "scenario", None) is CoverageScenario.MISSING_PARAMETER:
        return  # what is changed would have all headers again
    if case.headers.get("If-Match") == "0":
        del case.headers["If-Match"]
    for name, value in case.query.items():
        if value in ([""], ""):
            case.query[name] = []
    if phase == "stateful" and (example := find_example(case)):
        case.body = number_name(example)
    elif phase != "examples":
        refuse_errors(case.body)
    if phase in ("fuzzing", "stateful") and str(case.headers.get("Idempotency-Key", "")).isalnum():
        case.headers["Idempotency-Key"] += f"-{next(_numbers)}"
