"""The links of the description lead from an operation to the next, with what the response has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse

from importsvc.imports.models import Import
from tests.client import ApiClient
from tests.openapi.description import MEDIA_TYPE, read_description

# From the creation of an import to its revert, by the names of the links.
WAY = ["partial_update", "retrieve", "preview_import", "run", "changes"]
WAY_BACK = ["preview_revert", "revert"]


def list_operations() -> Iterator[tuple[str, str, Any]]:
    """Method, path and operation."""
    for path, methods in read_description()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def list_links() -> Iterator[tuple[Any, Any]]:
    """Every link, with the operation whose response has it."""
    for _, _, operation in list_operations():
        for response in operation["responses"].values():
            for link in response.get("links", {}).values():
                yield operation, link


class Walk:
    """Operations that are called one after the other, each through a link of the response before."""

    def __init__(self, api: ApiClient, operation_id: str) -> None:
        self._api = api
        self.call(operation_id, {})

    def call(self, operation_id: str, parameters: dict[str, str]) -> None:
        """Send a request with these parameters, and with the example of its document."""
        found = [each for each in list_operations() if each[2]["operationId"] == operation_id]
        method, path, self._operation = found[0]
        headers = {name.removeprefix("header."): value for name, value in parameters.items() if "header." in name}
        # A link need not say where a parameter is whose name no other one has.
        names = re.findall("{([a-z_]+)}", path)
        self._path = {name: parameters.get(name, parameters.get(f"path.{name}", "")) for name in names}
        body = self._operation.get("requestBody", {}).get("content", {}).get(MEDIA_TYPE, {}).get("example")
        sent = json.dumps(body) if body else None
        self.response: HttpResponse = self._api.request(method, path.format(**self._path), sent, headers=headers)
        assert self.response.status_code < 300, self.response.content

    def follow(self, name: str) -> None:
        """Call the operation that the link leads to."""
        link = self._operation["responses"][str(self.response.status_code)]["links"][name]
        self.call(link["operationId"], {each: self._evaluate(value) for each, value in link["parameters"].items()})

    def _evaluate(self, expression: str) -> str:
        """The value of a runtime expression (OpenAPI 3.1, section 4.8.20.4)."""
        match expression.partition("#")[0].split(".", 2):
            case "$response", "body":
                value = json.loads(self.response.content)
                for part in expression.partition("#/")[2].split("/"):
                    value = value[int(part) if isinstance(value, list) else part]
                return str(value)
            case "$response", "header", name:
                return self.response.headers[name]
            case "$request", "path", name:
                return self._path[name]
        raise AssertionError(expression)


def test_every_link_leads_to_an_operation_with_its_parameters() -> None:
    operations = {operation["operationId"]: operation for _, _, operation in list_operations()}
    links = list(list_links())

    assert len(links) > 50
    for source, link in links:
        parameters = operations[link["operationId"]]["parameters"]
        given = {name.rpartition(".")[2] for name in link["parameters"]}
        assert given <= {each["name"] for each in parameters}
        assert given >= {each["name"] for each in parameters if each["in"] == "path"}, link
        in_path = {f"$request.path.{each['name']}" for each in source["parameters"] if each["in"] == "path"}
        assert {value for value in link["parameters"].values() if "$request.path" in value} <= in_path


def test_the_links_lead_from_an_import_to_its_revert(api: ApiClient) -> None:
    walk = Walk(api, "imports_create")
    import_id = walk.response.headers["Location"].rpartition("/")[2]
    for name in WAY:
        walk.follow(name)
    assert len(json.loads(walk.response.content)["data"]) == 2

    walk.call("imports_retrieve", {"id": import_id})
    for name in WAY_BACK:
        walk.follow(name)
    assert Import.objects.get(pk=import_id).reverted_at is not None


def test_the_links_lead_from_the_rows_of_an_import_to_the_first_of_them(api: ApiClient) -> None:
    walk = Walk(api, "imports_create")
    for name in ("rows", "correct_row", "row"):
        walk.follow(name)
    assert json.loads(walk.response.content)["data"]["attributes"]["cells"]["tag_list"] == "customer, import"

    walk.follow("delete_row")
    assert json.loads(walk.response.content)["meta"]["error_count"] == 1
