"""Templates of saved mappings, and the ready-made mappings that these may be copies of."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest
from django.http import HttpResponse

from importsvc.files.mapping.ready_made import get_ready_mades
from importsvc.files.models import ImportModel
from people.models import Scope
from people.services import NewOrganization, create_token
from tests.client import ApiClient, assert_error, document_of

COLUMNS = [
    {"headers": ["Vorname"], "targets": ["person.first_name"]},
    {"headers": ["=Größe"], "targets": ["person.custom_fields.size"], "kind": "number"},
]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
def model(api: ApiClient) -> ImportModel:
    return make(api)


def make(api: ApiClient, name: str = "Kunden", **members: Any) -> ImportModel:
    return ImportModel.objects.create(
        organization=api.caller.organization, name=name, **{"columns": COLUMNS, **members}
    )


def save(api: ApiClient, **attributes: Any) -> HttpResponse:
    return api.send("POST", "import_models", {"data": {"type": "import_models", "attributes": attributes}})


def test_a_template_has_the_headers_of_the_mapping(api: ApiClient, model: ImportModel) -> None:
    csv = api.get(f"import_models/{model.pk}/template.csv")
    xlsx = api.get(f"import_models/{model.pk}/template.xlsx")

    assert (csv.status_code, csv.headers["Content-Type"]) == (200, "text/csv")
    assert csv.headers["Content-Disposition"] == 'attachment; filename="Kunden.csv"'
    assert csv.content.decode("utf-8-sig") == "Vorname,'=Größe\r\n"
    assert (xlsx.status_code, xlsx.headers["Content-Type"]) == (200, XLSX)
    assert xlsx.headers["Content-Disposition"] == 'attachment; filename="Kunden.xlsx"'
    workbook = openpyxl.load_workbook(io.BytesIO(xlsx.content))
    assert [list(sheet.iter_rows(max_row=1, values_only=True)) for sheet in workbook] == [
        [("Vorname", "=Größe")],
        [("Sheet", "Header", "Fills", "Required", "Format", "Example")],
    ]


@pytest.mark.parametrize(
    ("name", "disposition"),
    [
        ("a/b\x07:c", 'attachment; filename="a_b__c.csv"'),
        ('"quoted"', 'attachment; filename="_quoted_.csv"'),
        ("Größe", "attachment; filename*=utf-8''Gr%C3%B6%C3%9Fe.csv"),
    ],
)
def test_a_template_is_named_as_the_mapping_is(api: ApiClient, name: str, disposition: str) -> None:
    response = api.get(f"import_models/{make(api, name).pk}/template.csv")

    assert response.headers["Content-Disposition"] == disposition


def test_a_template_that_the_client_has_is_not_sent_again(api: ApiClient, model: ImportModel) -> None:
    path = f"import_models/{model.pk}/template.xlsx"
    etag = api.get(path).headers["ETag"]

    assert api.get(path, **{"If-None-Match": etag}).status_code == 304
    ImportModel.objects.filter(pk=model.pk, organization=model.organization).update(columns=COLUMNS[:1])
    assert api.get(path, **{"If-None-Match": etag}).status_code == 200


@pytest.mark.parametrize(
    "accept", [None, "*/*", "text/*", "text/csv;q=0.5, application/json;q=0", "text/csv; header=x"]
)
def test_a_template_is_sent_where_accept_allows_its_type(api: ApiClient, model: ImportModel, accept: Any) -> None:
    response = api.get(f"import_models/{model.pk}/template.csv", Accept=accept)

    assert response.headers["Content-Type"] == "text/csv"


@pytest.mark.parametrize(
    "accept", ["application/vnd.api+json", "application/*", "text/csv;q=0, */*", "text/html", XLSX]
)
def test_a_template_is_refused_where_accept_does_not_allow_its_type(
    api: ApiClient, model: ImportModel, accept: str
) -> None:
    response = api.get(f"import_models/{model.pk}/template.csv", Accept=accept)

    detail = "The answer is a file of type text/csv, which the Accept header does not allow"
    assert_error(response, 406, "not_acceptable", detail, source={"header": "Accept"})


def test_a_refusal_of_a_template_is_a_document_whatever_accept_says(api: ApiClient, model: ImportModel) -> None:
    response = api.get("import_models/999/template.csv", Accept="text/csv")

    assert_error(response, 404, "record_not_found", "The requested record was not found")
    assert response.headers["Content-Type"] == "application/vnd.api+json; charset=utf-8"


@pytest.mark.parametrize("parameter", ["include=creator", "fields[import_models]=name", "page[size]=1", "sort=id"])
def test_a_template_takes_no_query_parameter(api: ApiClient, model: ImportModel, parameter: str) -> None:
    response = api.get(f"import_models/{model.pk}/template.csv?{parameter}")

    name = parameter.partition("=")[0]
    detail = f"Parameter '{name}' is not supported on this endpoint"
    assert_error(response, 400, "unsupported_parameter", detail, source={"parameter": name})


@pytest.mark.parametrize(("path", "status"), [("template.ods", 404), ("templateXcsv", 404), ("template", 404)])
def test_there_are_templates_in_two_formats(api: ApiClient, model: ImportModel, path: str, status: int) -> None:
    assert api.get(f"import_models/{model.pk}/{path}").status_code == status


def test_a_template_is_read_only(api: ApiClient, model: ImportModel) -> None:
    response = api.request("POST", f"import_models/{model.pk}/template.csv")

    assert (response.status_code, document_of(response)["errors"][0]["code"]) == (405, "method_not_allowed")


def test_a_mapping_to_a_target_that_is_gone_has_no_template(api: ApiClient) -> None:
    gone = make(api, columns=[{"headers": ["A"], "targets": ["deal.name"]}])

    response = api.get(f"import_models/{gone.pk}/template.xlsx")

    source = {"pointer": "data/attributes/columns/0/targets/0"}
    assert_error(
        response,
        422,
        "invalid_attribute",
        "'deal.name' is not a target",
        source=source,
        meta={"reason": "unknown_target"},
    )


def test_a_mapping_of_another_organization_has_no_template(api: ApiClient, globex: NewOrganization) -> None:
    other = ImportModel.objects.create(organization=globex.organization, name="Theirs", columns=COLUMNS)

    response = api.get(f"import_models/{other.pk}/template.csv")

    assert_error(response, 404, "record_not_found", "The requested record was not found")


def test_the_ready_made_mappings_are_listed(api: ApiClient) -> None:
    document = document_of(api.get("import_models/ready_made"))

    assert [(each["type"], each["id"], each["attributes"]["name"]) for each in document["data"]] == [
        ("ready_made_mappings", ready_made.key, ready_made.name) for ready_made in get_ready_mades()
    ]
    first = document["data"][0]
    assert first["id"] == "google_contacts"
    assert set(first) == {"id", "type", "attributes"}
    assert first["attributes"]["columns"][0] == {"headers": ["First Name"], "targets": ["person.first_name"]}
    assert {name: document["meta"][name] for name in ("current_page", "total_pages", "total_count")} == {
        "current_page": 1,
        "total_pages": 1,
        "total_count": 4,
    }


def test_ready_made_mappings_come_in_pages_with_the_fields_that_are_asked_for(api: ApiClient) -> None:
    query = "fields[ready_made_mappings]=name&page[size]=1&page[number]=2"

    document = document_of(api.get(f"import_models/ready_made?{query}"))

    assert document["data"] == [
        {"id": "hubspot_contacts", "type": "ready_made_mappings", "attributes": {"name": "HubSpot contacts"}}
    ]
    assert set(document["links"]) == {"first", "last", "prev", "next"}


@pytest.mark.parametrize("query", ["sort=id", "filter[id]=1", "include=creator", "fields[import_models]=name"])
def test_ready_made_mappings_are_neither_sorted_nor_filtered(api: ApiClient, query: str) -> None:
    assert api.get(f"import_models/ready_made?{query}").status_code == 400


def test_a_mapping_may_be_a_copy_of_a_ready_made_one(api: ApiClient) -> None:
    (ready_made,) = [
        each for each in document_of(api.get("import_models/ready_made"))["data"] if each["id"] == "outlook"
    ]

    response = save(api, name="From Outlook", copy_of="outlook", on_duplicate="skip")

    attributes = document_of(response)["data"]["attributes"]
    assert response.status_code == 201
    expected = {**ready_made["attributes"], "name": "From Outlook", "on_duplicate": "skip"}
    assert {name: attributes[name] for name in expected} == expected


@pytest.mark.parametrize("key", ["lotus_notes", "", None, 7])
def test_a_copy_of_an_unknown_mapping_is_refused(api: ApiClient, key: Any) -> None:
    response = save(api, name="Copy", copy_of=key)

    detail = "must be one of google_contacts, hubspot_contacts, outlook, salesforce_contacts"
    assert_error(response, 422, "invalid_attribute", detail, source={"pointer": "data/attributes/copy_of"})
    assert not ImportModel.objects.exists()


def test_a_template_needs_a_token_that_may_read(api: ApiClient, model: ImportModel) -> None:
    path = f"import_models/{model.pk}/template.csv"
    may_only_import = create_token(person=api.caller.person, scopes=[Scope.IMPORT])

    for page in (path, "import_models/ready_made"):
        assert api.get(page, **{"X-Auth-Token": "wrong"}).status_code == 401
        assert api.get(page, **{"X-Auth-Token": may_only_import}).status_code == 403
