"""``POST /imports`` with the relationship ``import_file``: rows come from a file by a mapping."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.http import HttpResponse

from companies.models import Company
from importsvc.files.models import ImportFile, ImportModel
from importsvc.files.services import prune_import_files
from importsvc.imports.models import Import, StagedChunk
from importsvc.operations.work import run_next
from people.models import Person
from people.services import NewOrganization
from tests.client import ApiClient, assert_error, document_of
from tests.files.test_pruning import upload_of_age
from tests.files.uploads import PEOPLE_1252, upload
from tests.snapshots import take_snapshot

CUSTOMERS = (
    b"Vorname;E-Mail;Firma\r\n"
    b"Ada;ada@example.com;Blues\r\n"
    b"\r\n"
    b"Bob;bob@example.com;Reds\r\n"
    b'"Cid\nJr";cid@example.com;blues\r\n'
)
MAPPING = {
    "columns": [
        {"headers": ["Vorname"], "targets": ["person.first_name"]},
        {"headers": ["E-Mail"], "targets": ["person.email"]},
        {"headers": ["Firma"], "targets": ["person.company"]},
    ]
}
SHOWN = "fields[imports]=mapping,import_file,import_model_id,on_row_error,error_count,state"


def stage(
    api: ApiClient, file: ImportFile | str, *, headers: dict[str, str | None] | None = None, **attributes: Any
) -> HttpResponse:
    """The response to a request for an import of a file."""
    file_id = file if isinstance(file, str) else str(file.pk)
    relationships = {"import_file": {"data": {"type": "import_files", "id": file_id}}}
    document = {"data": {"type": "imports", "attributes": attributes, "relationships": relationships}}
    return api.request("POST", f"imports?{SHOWN}", json.dumps(document), headers=headers)


def run(api: ApiClient, response: HttpResponse) -> Any:
    assert response.status_code == 201, response.content
    import_id = document_of(response)["data"]["id"]
    return document_of(api.request("POST", f"imports/{import_id}/import?fields[imports]=counts"))


def test_the_rows_of_a_file_are_staged_with_their_lines_and_imported(api: ApiClient) -> None:
    file = upload(api, CUSTOMERS)

    response = stage(api, file, mapping=MAPPING)

    document = document_of(response)["data"]
    assert document["attributes"] == {
        "import_model_id": None,
        "on_row_error": "stage",
        "error_count": 0,
        "state": "created",
        "mapping": {
            **MAPPING,
            "ignored": [],
            "formats": {"date_order": None, "decimal_sign": None},
            "match_by": None,
            "on_duplicate": "error",
            "missing_companies": "create",
        },
    }
    assert document["relationships"] == {"import_file": {"data": {"type": "import_files", "id": str(file.pk)}}}
    chunks = StagedChunk.objects.filter(import_record_id=document["id"]).order_by("number")
    assert [(chunk.record_type, chunk.row_count, list(chunk.lines or [])) for chunk in chunks] == [
        ("company", 2, [2, 4]),
        ("person", 3, [2, 4, 5]),
    ]
    assert run(api, response)["data"]["attributes"]["counts"]["person"]["created"] == 3
    assert list(Person.objects.filter(company__name="Blues").order_by("id").values_list("email", flat=True)) == [
        "ada@example.com",
        "cid@example.com",
    ]


def test_rows_of_the_file_that_are_dropped_are_counted(api: ApiClient) -> None:
    rows = "Vorname;E-Mail;Notiz\r\nAda;ada@example.com;x\r\n;;only a note\r\n\r\n; ;\r\nBob;bob@example.com;\r\n"
    mapping = {**MAPPING, "columns": MAPPING["columns"][:2], "ignored": ["Notiz"]}

    response = stage(api, upload(api, rows.encode()), mapping=mapping)

    import_id = document_of(response)["data"]["id"]
    path = f"imports/{import_id}?fields[imports]=file_counts"
    assert document_of(api.get(path))["data"]["attributes"] == {
        "file_counts": {"row_count": 5, "blank_row_count": 2, "unmapped_row_count": 1}
    }
    assert StagedChunk.objects.get(import_record_id=import_id).row_count == 2
    assert (
        api.send_import("PATCH", f"imports/{import_id}", import_data={"company": [{"name": "Reds"}]}).status_code == 200
    )
    assert document_of(api.get(path))["data"]["attributes"] == {"file_counts": None}


def test_an_import_without_a_file_has_no_counts_of_its_rows(api: ApiClient) -> None:
    import_id = api.stage({"company": [{"name": "Reds"}]})

    document = document_of(api.get(f"imports/{import_id}?fields[imports]=file_counts"))

    assert document["data"]["attributes"] == {"file_counts": None}


def test_the_proposed_mapping_can_be_sent_as_it_is(api: ApiClient) -> None:
    file = upload(api, CUSTOMERS)

    response = stage(api, file, mapping=file.proposed_mapping)

    assert run(api, response)["data"]["attributes"]["counts"]["company"]["created"] == 2


def test_a_saved_mapping_is_used_and_its_number_kept(api: ApiClient) -> None:
    model = ImportModel.objects.create(organization=api.caller.organization, name="Customers", **MAPPING)
    file = upload(api, CUSTOMERS)

    response = stage(api, file, import_model_id=model.pk)

    attributes = document_of(response)["data"]["attributes"]
    assert (attributes["import_model_id"], attributes["mapping"]["columns"]) == (model.pk, MAPPING["columns"])
    api.request("DELETE", f"import_models/{model.pk}")
    assert Import.objects.get().import_model_id == model.pk
    assert run(api, response)["data"]["attributes"]["counts"]["person"]["created"] == 3


def test_a_company_that_is_there_already_is_used(api: ApiClient) -> None:
    Company.objects.create(organization=api.caller.organization, name="BLUES")
    file = upload(api, CUSTOMERS)

    response = stage(api, file, mapping=MAPPING)

    counts = run(api, response)["data"]["attributes"]["counts"]
    assert (counts["company"]["created"], counts["company"]["skipped"]) == (1, 1)


def test_rows_match_by_the_column_of_the_mapping_unless_the_request_names_another(api: ApiClient) -> None:
    file = upload(api, CUSTOMERS)
    mapping = {**MAPPING, "match_by": "email", "on_duplicate": "update"}

    stage(api, file, mapping=mapping)
    stage(api, file, mapping=mapping, match_by="name")
    stage(api, file, mapping=mapping, match_by=None)

    assert list(Import.objects.order_by("id").values_list("match_by", flat=True)) == ["email", "name", None]


def test_rows_with_errors_are_staged_unless_the_request_says_otherwise(api: ApiClient) -> None:
    file = upload(api, CUSTOMERS.replace(b"bob@example.com", b"bob"))

    staged = stage(api, file, mapping=MAPPING)
    refused = stage(api, file, mapping=MAPPING, on_row_error="refuse")

    assert document_of(staged)["data"]["attributes"]["error_count"] == 1
    detail = {"company": [], "person": [{"row": 2, "column": "email", "messages": ["Email is not an email"]}]}
    assert_error(refused, 422, "invalid_attribute", detail, source={"pointer": "data/attributes/import_data"})


@pytest.mark.django_db(transaction=True)
def test_a_worker_reads_the_file_where_the_client_prefers_that(api: ApiClient) -> None:
    file = upload(api, CUSTOMERS)

    response = stage(api, file, mapping=MAPPING, headers={"Prefer": "respond-async"})
    refused = stage(api, file, mapping={"columns": 1}, headers={"Prefer": "respond-async"})

    assert (response.status_code, refused.status_code) == (202, 422)
    assert Import.objects.count() == 0
    while run_next():
        pass
    import_ = Import.objects.get()
    assert import_.import_file_id == file.pk
    assert StagedChunk.objects.filter(import_record=import_).count() == 2


@pytest.mark.parametrize(
    ("attributes", "reasons"),
    [
        ({"mapping": {"columns": "A"}}, {"mapping/columns": "not_a_list"}),
        (
            {"mapping": {"columns": [{"headers": ["Vorname"], "targets": ["person.shoe_size"]}]}},
            {"mapping/columns/0/targets/0": "unknown_target"},
        ),
        (
            {"mapping": {"columns": [*MAPPING["columns"], {"headers": ["Titel"], "targets": ["person.title"]}]}},
            {"mapping/columns/3/headers/0": "unknown_header"},
        ),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused_with_the_place(
    api: ApiClient, attributes: dict[str, Any], reasons: dict[str, str]
) -> None:
    file = upload(api, CUSTOMERS)
    before = take_snapshot()

    response = stage(api, file, **attributes)

    errors = document_of(response)["errors"]
    assert response.status_code == 422
    found = {each["source"]["pointer"].removeprefix("data/attributes/"): each["meta"]["reason"] for each in errors}
    assert found.items() >= reasons.items()
    assert take_snapshot() == before


def test_a_date_that_could_be_two_days_is_asked_about(api: ApiClient) -> None:
    content = b"Vorname;E-Mail;Geburtstag\r\nAda;ada@example.com;01/02/1990\r\nBob;bob@example.com;03/04/1991\r\n"
    birthday = {"headers": ["Geburtstag"], "targets": ["person.custom_fields.birthday"], "kind": "date"}
    mapping: dict[str, Any] = {"columns": [*MAPPING["columns"][:2], birthday]}
    file = upload(api, content)

    response = stage(api, file, mapping=mapping)
    answered = stage(api, file, mapping={**mapping, "formats": {"date_order": "dmy"}})

    (error,) = document_of(response)["errors"]
    assert response.status_code == 422
    assert error["detail"] == "The dates of 'Geburtstag' can be read in two orders: say which, dmy or mdy"
    assert error["source"]["pointer"] == "data/attributes/mapping/formats/date_order"
    run(api, answered)
    assert Person.objects.get(email="ada@example.com").custom_fields == {"birthday": "1990-02-01"}


@pytest.mark.parametrize(
    ("attributes", "attribute", "detail"),
    [
        ({}, "mapping", "can't be blank: send a mapping, or the import_model_id of a saved one; the file's"),
        ({"mapping": None}, "mapping", "can't be blank"),
        ({"import_model_id": 7}, "import_model_id", "must exist"),
        ({"mapping": MAPPING, "import_model_id": 7}, "mapping", "must not be sent together with import_model_id"),
        ({"mapping": MAPPING, "import_data": {"person": []}}, "import_data", "is not a known attribute"),
    ],
)
def test_an_import_of_a_file_needs_exactly_one_mapping(
    api: ApiClient, attributes: dict[str, Any], attribute: str, detail: str
) -> None:
    file = upload(api, CUSTOMERS)

    response = stage(api, file, **attributes)

    (error,) = document_of(response)["errors"]
    assert (response.status_code, error["source"]) == (422, {"pointer": f"data/attributes/{attribute}"})
    assert error["detail"].startswith(detail)
    assert not Import.objects.exists()


def test_without_a_file_any_number_is_accepted_and_a_mapping_is_refused(api: ApiClient) -> None:
    rows = {"company": [{"name": "Reds"}]}

    assert api.send_import("POST", "imports", import_data=rows, import_model_id=4711).status_code == 201
    refused = api.send_import("POST", "imports", import_data=rows, mapping=MAPPING)

    source = {"pointer": "data/attributes/mapping"}
    assert_error(refused, 422, "invalid_attribute", "needs the relationship import_file", source=source)


@pytest.mark.parametrize("file_id", ["0", "-1", "abc", "", "9" * 30])
def test_an_identifier_that_is_none_is_refused(api: ApiClient, file_id: str) -> None:
    response = stage(api, file_id, mapping=MAPPING)

    detail = "'import_file' must be a resource identifier of type 'import_files'"
    assert_error(response, 400, "bad_request", detail, source={"pointer": "data/relationships/import_file"})


def test_a_file_and_a_mapping_of_another_organization_do_not_exist(api: ApiClient, globex: NewOrganization) -> None:
    theirs = upload(ApiClient(globex), CUSTOMERS)
    model = ImportModel.objects.create(organization=globex.organization, name="Customers", **MAPPING)
    mine = upload(api, CUSTOMERS)

    of_file = stage(api, theirs, mapping=MAPPING)
    of_model = stage(api, mine, import_model_id=model.pk)

    for response, attribute in ((of_file, "import_file"), (of_model, "import_model_id")):
        source = {"pointer": f"data/attributes/{attribute}"}
        assert_error(response, 422, "invalid_attribute", "must exist", source=source)


def test_a_pruned_file_makes_no_import(api: ApiClient) -> None:
    file = upload_of_age(api, days=90)
    prune_import_files()

    assert stage(api, file, mapping=MAPPING).status_code == 409


def test_a_published_document_does_not_show_the_file(api: ApiClient) -> None:
    file = upload(api, PEOPLE_1252)
    import_id = document_of(stage(api, file, mapping=file.proposed_mapping))["data"]["id"]

    document = document_of(api.get(f"imports/{import_id}"))["data"]

    assert list(document["relationships"]) == ["organization", "creator"]
    assert "mapping" not in document["attributes"]


def test_an_import_of_a_file_is_updated_with_what_was_read(api: ApiClient) -> None:
    file = upload(api, CUSTOMERS)
    document = document_of(stage(api, file, mapping=MAPPING))["data"]
    attributes = {"import_data": {"company": [{"name": "Reds"}]}}

    same = {**document, "attributes": attributes}
    other = {**same, "relationships": {"import_file": {"data": {"type": "import_files", "id": "1"}}}}

    assert api.send("PATCH", f"imports/{document['id']}", {"data": same}).status_code == 200
    assert api.send("PATCH", f"imports/{document['id']}", {"data": other}).status_code == 403
