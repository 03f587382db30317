"""Staged rows and their errors over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from importsvc.imports.models import Import
from importsvc.operations.models import Kind
from people.services import NewOrganization
from tests.client import ApiClient, assert_error, document_of

ROWS: dict[str, list[Any]] = {
    "company": [{"name": "Reds", "default_currency": "Euro"}],
    "person": [{"First Name": "Ann", "email": "ann@x.io"}, {"first_name": "Bob", "email": "ANN@x.io"}],
}
NOT_FOUND = "The requested record was not found"


def stage(api: ApiClient, on_row_error: str = "stage", rows: Any = ROWS) -> str:
    """The path of an import of these rows."""
    response = api.send_import("POST", "imports", import_data=rows, on_row_error=on_row_error)
    assert response.status_code == 201, response.content
    return f"imports/{document_of(response)['data']['id']}"


def error(record_type: str, row: int, **attributes: Any) -> dict[str, Any]:
    """The attributes of an error, in order."""
    place = {"record_type": record_type, "row": row, "line": None, "sheet": None}
    return {**place, **attributes}


CURRENCY: dict[str, Any] = {
    "column": "default_currency",
    "header": "default_currency",
    "value": "Euro",
    "code": "not_currency",
    "message": "Default currency is not a currency code",
    "other_row": None,
}
REPEATED: dict[str, Any] = {
    "column": "email",
    "header": "email",
    "value": "ANN@x.io",
    "code": "repeated",
    "message": "Email has already been taken by row 1",
    "other_row": 1,
}


def test_errors_are_listed_with_a_summary(api: ApiClient) -> None:
    path = stage(api)

    document = document_of(api.get(f"{path}/errors"))

    linkage = {"import": {"data": {"type": "imports", "id": path.removeprefix("imports/")}}}
    assert document["data"] == [
        {
            "id": f"{record_type}-{row}-0",
            "type": "import_errors",
            "attributes": error(record_type, row, **attributes),
            "relationships": linkage,
        }
        for record_type, row, attributes in (("company", 1, CURRENCY), ("person", 2, REPEATED))
    ]
    assert document["meta"]["total_count"] == 2
    groups: list[tuple[str, int, dict[str, Any]]] = [("company", 1, CURRENCY), ("person", 2, REPEATED)]
    assert document["meta"]["summary"] == [
        {
            "record_type": record_type,
            **{name: attributes[name] for name in ("column", "code", "value")},
            "count": 1,
            "first_row": row,
            "message": attributes["message"],
        }
        for record_type, row, attributes in groups
    ]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("filter[record_type]=person", ["person-2-0"]),
        ("filter[column]=default_currency,x", []),
        ("filter[column]=default_currency", ["company-1-0"]),
        ("filter[code]=repeated,blank", ["person-2-0"]),
        ("page[size]=1&page[number]=2", ["person-2-0"]),
        ("filter[code]=blank", []),
    ],
)
def test_errors_are_filtered_and_paged(api: ApiClient, query: str, ids: list[str]) -> None:
    response = api.get(f"{stage(api)}/errors?{query}&fields[import_errors]=code")

    assert response.status_code == 200, response.content
    assert [each["id"] for each in document_of(response)["data"]] == ids


def test_what_lists_do_not_support_is_refused(api: ApiClient) -> None:
    path = stage(api)

    for query, code in (
        ("errors?filter[code]=wrong", "unsupported_filter_value"),
        ("errors?sort=row", "unsupported_sort"),
        ("rows?filter[has_errors]=perhaps", "unsupported_filter_value"),
        ("rows?filter[code]=blank", "unsupported_filter"),
        ("rows/person/1?filter[has_errors]=true", "unsupported_filter"),
    ):
        response = api.get(f"{path}/{query}")
        assert (response.status_code, document_of(response)["errors"][0]["code"]) == (400, code), query


def test_rows_are_listed_with_their_errors(api: ApiClient) -> None:
    path = stage(api)

    document = document_of(api.get(f"{path}/rows?filter[has_errors]=true&filter[record_type]=person"))

    assert [each["attributes"] for each in document["data"]] == [
        {
            "record_type": "person",
            "row": 2,
            "line": None,
            "sheet": None,
            "cells": ROWS["person"][1],
            "errors": [REPEATED],
        }
    ]
    assert [each["id"] for each in document_of(api.get(f"{path}/rows"))["data"]] == [
        "company-1",
        "person-1",
        "person-2",
    ]
    assert document_of(api.get(f"{path}/rows?filter[has_errors]=false"))["data"][0]["id"] == "person-1"


def test_an_import_is_corrected_and_run(api: ApiClient) -> None:
    path = stage(api)
    cells = {"data": {"type": "import_rows", "id": "person-2", "attributes": {"cells": {"email": "bob@x.io"}}}}

    corrected = document_of(api.send("PATCH", f"{path}/rows/person/2", cells))
    replaced = document_of(
        api.send_import(
            "POST",
            f"{path}/replacements?fields[imports]=error_count",
            **{"record_type": "company", "column": "default_currency", "from": "Euro", "to": "EUR"},
        )
    )
    deleted = document_of(api.request("DELETE", f"{path}/rows/person/1"))

    assert corrected["data"]["attributes"]["cells"] == {"first_name": "Bob", "email": "bob@x.io"}
    assert corrected["data"]["attributes"]["errors"] == []
    assert corrected["meta"]["error_count"] == 1
    assert replaced["data"]["attributes"] == {"error_count": 0}
    assert (replaced["meta"]["replaced_count"], replaced["meta"]["error_count"]) == (1, 0)
    assert deleted["meta"]["error_count"] == 0
    ran = document_of(api.request("POST", f"{path}/import?fields[imports]=counts,on_row_error,error_count"))
    assert ran["data"]["attributes"]["on_row_error"] == "stage"
    assert ran["data"]["attributes"]["counts"]["person"]["created"] == 1


def test_a_correction_of_another_version_is_refused(api: ApiClient) -> None:
    path = stage(api)
    etag = api.get(path).headers["ETag"]
    cells = {"data": {"type": "import_rows", "attributes": {"cells": {"title": "Boss"}}}}

    assert ApiClient(api.caller, **{"If-Match": etag}).send("PATCH", f"{path}/rows/person/1", cells).status_code == 200
    again = ApiClient(api.caller, **{"If-Match": etag}).send("PATCH", f"{path}/rows/person/1", cells)

    assert again.status_code == 412


@pytest.mark.parametrize(
    ("cells", "detail"),
    [
        (None, "must be an object with a value for each column"),
        ({}, "must be an object with a value for each column"),
        (["a"], "must be an object with a value for each column"),
        ({"hat": 1}, "has 'hat', which is no column of person"),
    ],
)
def test_cells_that_cannot_be_set_are_refused(api: ApiClient, cells: Any, detail: str) -> None:
    document = {"data": {"type": "import_rows", "attributes": {"cells": cells}}}

    response = api.send("PATCH", f"{stage(api)}/rows/person/1", document)

    assert response.status_code == 422
    assert document_of(response)["errors"][0]["source"] == {"pointer": "data/attributes/cells"}


def test_rows_that_are_not_there_are_not_found(api: ApiClient, globex: NewOrganization) -> None:
    path = stage(api)
    cells = {"data": {"type": "import_rows", "attributes": {"cells": {"title": "Boss"}}}}

    for row in ("person/3", "deal/1", "person/4294967295"):
        for response in (
            api.get(f"{path}/rows/{row}"),
            api.send("PATCH", f"{path}/rows/{row}", cells),
            api.request("DELETE", f"{path}/rows/{row}"),
        ):
            assert_error(response, 404, "record_not_found", NOT_FOUND)
    stranger = ApiClient(globex)
    for place in ("errors", "rows", "rows/person/1"):
        assert_error(stranger.get(f"{path}/{place}"), 404, "record_not_found", NOT_FOUND)
    assert_error(stranger.request("POST", f"{path}/check"), 404, "record_not_found", NOT_FOUND)


def test_an_import_that_refuses_errors_has_none_and_takes_no_corrections(api: ApiClient) -> None:
    path = stage(api, "refuse", {"person": [{"first_name": "Ann"}]})

    assert document_of(api.get(f"{path}/errors"))["data"] == []
    response = api.request("DELETE", f"{path}/rows/person/1")
    assert_error(response, 409, "conflict", "The import keeps no rows with errors: on_row_error is 'refuse'")


def test_a_check_may_be_left_to_a_worker(api: ApiClient) -> None:
    path = stage(api)

    response = ApiClient(api.caller, Prefer="respond-async").request("POST", f"{path}/check")

    assert response.status_code == 202
    assert document_of(response)["data"]["attributes"]["kind"] == Kind.CHECK


def test_published_documents_do_not_show_what_becomes_of_errors(api: ApiClient) -> None:
    path = stage(api)

    assert "on_row_error" not in document_of(api.get(path))["data"]["attributes"]
    assert Import.objects.for_organization(api.caller.organization).get().on_row_error == "stage"
