"""``/import_models``: saved mappings, created, changed and deleted; refusals with every problem."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse

from importsvc.files.models import ImportFile, ImportModel
from people.services import NewOrganization
from tests.client import ApiClient, assert_error, assert_replayed, document_of
from tests.files.uploads import PEOPLE_1252, send_options, upload
from tests.snapshots import take_snapshot

COLUMNS = [
    {"headers": ["Vorname"], "targets": ["person.first_name"]},
    {"headers": ["Nachname"], "targets": ["person.last_name"]},
    {"headers": ["E-Mail"], "targets": ["person.email"]},
]
DEFAULTS: dict[str, Any] = {
    "columns": [],
    "ignored": [],
    "formats": {"date_order": None, "decimal_sign": None},
    "match_by": None,
    "on_duplicate": "error",
    "missing_companies": "create",
}


def write(api: ApiClient, method: str, path: str, **attributes: Any) -> HttpResponse:
    return api.send(method, path, {"data": {"type": "import_models", "attributes": attributes}})


def save(api: ApiClient, **attributes: Any) -> ImportModel:
    response = write(api, "POST", "import_models", **{"name": "Customers", "columns": COLUMNS, **attributes})
    assert response.status_code == 201, response.content
    model_id = document_of(response)["data"]["id"]
    return ImportModel.objects.for_organization(api.caller.organization).get(pk=model_id)


def linkage(resource_type: str, record_id: Any) -> dict[str, Any]:
    return {"data": {"type": resource_type, "id": record_id}}


def test_a_saved_mapping_is_shown_with_the_members_of_its_document(api: ApiClient) -> None:
    members = {
        "columns": [
            *COLUMNS,
            {"headers": [], "targets": ["person.title"], "steps": [{"step": "constant", "value": "Contact"}]},
        ],
        "ignored": ["Notizen"],
        "formats": {"date_order": "dmy", "decimal_sign": ","},
        "match_by": "email",
        "on_duplicate": "update",
        "missing_companies": "error",
    }

    response = write(api, "POST", "import_models", name=" Customers  of 2024 ", **members)

    model = ImportModel.objects.get()
    document = document_of(response)
    attributes = document["data"]["attributes"]
    assert response.status_code == 201
    assert response.headers["Location"] == f"http://testserver/api/v2/import_models/{model.pk}"
    assert document["data"] == {
        "id": str(model.pk),
        "type": "import_models",
        "attributes": {
            "name": "Customers of 2024",
            **members,
            "created_at": attributes["created_at"],
            "updated_at": attributes["updated_at"],
        },
        "relationships": {
            "organization": linkage("organizations", api.caller.organization.pk),
            "creator": linkage("people", str(api.caller.person.pk)),
        },
    }
    assert document_of(api.get(f"import_models/{model.pk}")) == document
    assert document_of(api.get("import_models?filter[name]=customers OF 2024".replace(" ", "%20")))["data"] == [
        document["data"]
    ]


def test_members_that_are_left_out_or_null_have_their_default(api: ApiClient) -> None:
    left_out = save(api, columns=[])
    nulls = save(api, name="Nulls", columns=None, ignored=None, formats=None, match_by=None)

    for model in (left_out, nulls):
        assert {name: getattr(model, name) for name in DEFAULTS} == DEFAULTS


def test_attributes_are_changed_one_by_one(api: ApiClient) -> None:
    model = save(api)
    path = f"import_models/{model.pk}"
    before = document_of(api.get(path))["data"]["attributes"]

    for changes in ({"name": "Clients"}, {"ignored": ["Notizen"]}, {"on_duplicate": "skip"}, {"columns": COLUMNS[:2]}):
        after = document_of(write(api, "PATCH", path, **changes))["data"]["attributes"]
        assert after == {**before, **changes, "updated_at": after["updated_at"]}
        before = after


def test_every_problem_of_a_mapping_is_an_error_with_its_place(api: ApiClient) -> None:
    columns = [
        {"headers": ["A"], "targets": ["person.shoe_size"]},
        {"headers": ["B"], "targets": ["person.email"], "steps": [{"step": "split", "at": "comma"}]},
        "C",
    ]
    api.get("imports")
    before = take_snapshot()

    response = write(
        api, "POST", "import_models", name="Customers", columns=columns, formats={"date_order": "ydm"}, match_by="shoe"
    )

    errors = document_of(response)["errors"]
    assert response.status_code == 422
    assert {error["code"] for error in errors} == {"invalid_attribute"}
    found = {error["source"]["pointer"]: error["meta"]["reason"] for error in errors}
    assert found["data/attributes/columns/0/targets/0"] == "unknown_target"
    assert {pointer.removeprefix("data/attributes/").split("/")[0] for pointer in found} == {
        "columns",
        "formats",
        "match_by",
    }
    assert {"data/attributes/columns/2", "data/attributes/formats/date_order"} <= set(found)
    assert take_snapshot() == before


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("", "can't be blank"),
        ("  ", "can't be blank"),
        (None, "can't be blank"),
        (7, "must be text"),
        ("a\x00b", "Null characters are not allowed."),
        ("\ud800", "Surrogate characters are not allowed: U+D800."),
        ("x" * 256, "is too long (maximum is 255 characters)"),
        ("CUSTOMERS", "has already been taken"),
        (" customers ", "has already been taken"),
    ],
)
def test_a_name_is_text_that_no_other_model_has(api: ApiClient, name: Any, detail: str) -> None:
    save(api)
    other = save(api, name="Others")
    source = {"pointer": "data/attributes/name"}

    for response in (
        write(api, "POST", "import_models", name=name),
        write(api, "PATCH", f"import_models/{other.pk}", name=name),
    ):
        assert response.status_code == 422, response.content
        assert document_of(response)["errors"][0]["source"] == source
    assert document_of(response)["errors"][0]["detail"] == detail
    assert ImportModel.objects.count() == 2


def test_a_name_may_be_that_of_another_organization(api: ApiClient, globex: NewOrganization) -> None:
    assert save(api).name == save(ApiClient(globex)).name


def test_a_retry_with_the_same_key_saves_nothing(api: ApiClient) -> None:
    keyed = ApiClient(api.caller, **{"Idempotency-Key": "again"})

    first, again = (write(keyed, "POST", "import_models", name="Customers") for _ in range(2))

    assert_replayed(first, again)
    assert ImportModel.objects.count() == 1


def test_a_deleted_model_is_no_longer_proposed(api: ApiClient) -> None:
    model = save(api)
    file = upload(api, PEOPLE_1252)
    assert file.proposed_import_model_id == model.pk

    response = api.request("DELETE", f"import_models/{model.pk}")

    assert (response.status_code, list(document_of(response))) == (200, ["meta"])
    assert not ImportModel.objects.exists()
    document = document_of(api.get(f"import_files/{file.pk}"))["data"]
    assert document["relationships"]["proposed_import_model"] == {"data": None}
    assert document["attributes"]["proposed_mapping"]["columns"] == COLUMNS


def test_models_of_another_organization_do_not_exist(api: ApiClient, globex: NewOrganization) -> None:
    theirs = save(ApiClient(globex))
    path = f"import_models/{theirs.pk}"

    assert document_of(api.get("import_models"))["data"] == []
    for response in (api.get(path), write(api, "PATCH", path, name="Mine"), api.request("DELETE", path)):
        assert_error(response, 404, "record_not_found", "The requested record was not found")
    assert upload(api, PEOPLE_1252).proposed_import_model_id is None


def test_columns_have_proposals_with_how_and_a_score(api: ApiClient) -> None:
    file = upload(api, PEOPLE_1252)

    attributes = document_of(api.get(f"import_files/{file.pk}"))["data"]["attributes"]

    assert [each["proposal"]["targets"] for each in attributes["columns"]] == [
        ["person.first_name"],
        ["person.last_name"],
        ["person.email"],
    ]
    assert {each["proposal"]["how"] for each in attributes["columns"]} <= {"exact", "synonym"}
    assert all(0 < each["proposal"]["score"] <= 1 for each in attributes["columns"])
    assert attributes["proposed_mapping"] == {**DEFAULTS, "columns": COLUMNS}
    saved = write(api, "POST", "import_models", name="As proposed", **attributes["proposed_mapping"])
    assert saved.status_code == 201


def test_a_saved_mapping_is_proposed_for_a_file_with_its_headers(api: ApiClient) -> None:
    file = upload(api, PEOPLE_1252)
    columns = [{"headers": ["E-Mail"], "targets": ["person.email"]}]
    model = save(api, columns=columns, ignored=["Vorname"], formats={"date_order": "dmy"})

    document = document_of(send_options(api, file))["data"]
    shown = document_of(api.get(f"import_files/{file.pk}?include=proposed_import_model"))["included"]

    assert document["relationships"]["proposed_import_model"] == linkage("import_models", str(model.pk))
    assert document["attributes"]["proposed_mapping"] == {
        **DEFAULTS,
        "columns": columns,
        "ignored": ["Vorname"],
        "formats": {"date_order": "dmy", "decimal_sign": None},
    }
    assert [each["proposal"] and each["proposal"]["how"] for each in document["attributes"]["columns"]] == [
        None,
        None,
        "saved",
    ]
    assert [each["id"] for each in shown] == [str(model.pk)]


def test_a_mapping_of_a_type_that_is_gone_is_not_proposed(api: ApiClient) -> None:
    model = save(api)
    ImportModel.objects.filter(pk=model.pk).update(columns=[{"headers": ["E-Mail"], "targets": ["deal.name"]}])

    assert upload(api, PEOPLE_1252).proposed_import_model_id is None
    assert ImportFile.objects.count() == 1
