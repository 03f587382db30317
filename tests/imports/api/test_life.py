"""An import over HTTP: created, processed and reverted; every other transition is refused (contract, section 2.4)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from companies.models import Company
from importsvc.imports.models import Import, ImportState
from people.models import Person
from tests.builders import PUBLISHED_ROWS, make_company, make_import
from tests.client import ApiClient, assert_error, document_of
from tests.staged import read_staged

IMPORT_DATA = {"source": {"pointer": "data/attributes/import_data"}}

MOVES = {"updated": "PATCH imports/{}", "imported": "POST imports/{}/import", "reverted": "PATCH imports/{}/revert"}
ALLOWED = {("created", "updated"), ("created", "imported"), ("processed", "reverted")}


def counts() -> tuple[int, int]:
    """The numbers of companies and of people; an organization starts with one of each."""
    return Company.objects.count(), Person.objects.count()


def import_in(api: ApiClient, state: str) -> str:
    import_id = api.stage(PUBLISHED_ROWS) if state == "created" else api.run(PUBLISHED_ROWS)
    if state == "reverted":
        assert api.request("PATCH", f"imports/{import_id}/revert").status_code == 200
    return import_id


def move(api: ApiClient, import_id: str, name: str, **attributes: Any) -> Any:
    method, path = MOVES[name].format(import_id).split()
    if name == "updated":
        attributes = {"import_data": PUBLISHED_ROWS, **attributes}
    return api.send_import(method, path, **attributes) if attributes else api.request(method, path)


@pytest.mark.parametrize("name", list(MOVES))
@pytest.mark.parametrize("state", [str(state) for state in ImportState])
def test_a_transition_starts_from_its_own_state_only(api: ApiClient, state: str, name: str) -> None:
    import_id = import_in(api, state)
    before = list(Import.objects.values()), counts()

    response = move(api, import_id, name)

    if (state, name) in ALLOWED:
        assert response.status_code == 200
    else:
        assert_error(response, 409, "conflict", f"The import is in state '{state}' and cannot be {name}")
        assert (list(Import.objects.values()), counts()) == before


def test_time_stamps_follow_the_transitions(api: ApiClient) -> None:
    def stamps(response: Any) -> list[str | None]:
        attributes = document_of(response)["data"]["attributes"]
        return [attributes[name] for name in ("started_at", "processed_at", "reverted_at")]

    import_id = api.stage(PUBLISHED_ROWS)
    assert stamps(move(api, import_id, "updated")) == [None, None, None]
    started_at, processed_at, reverted_at = stamps(move(api, import_id, "imported"))
    assert started_at is not None
    assert processed_at is not None
    assert (started_at <= processed_at, reverted_at) == (True, None)
    *kept, reverted_at = stamps(move(api, import_id, "reverted"))
    assert kept == [started_at, processed_at]
    assert reverted_at is not None
    assert reverted_at >= processed_at
    assert stamps(api.get(f"imports/{import_id}")) == [started_at, processed_at, reverted_at]


@pytest.mark.parametrize("import_data", [PUBLISHED_ROWS, json.dumps(PUBLISHED_ROWS)], ids=["object", "string"])
def test_the_published_payload_makes_a_company_with_a_person_and_leaves_nothing_when_reverted(
    api: ApiClient, import_data: Any
) -> None:
    import_id = api.run(import_data)

    company = Company.objects.get(name="Import")
    person = Person.objects.get(email="john@mail.com")
    assert (person.first_name, person.last_name, person.title) == ("John", "Doe", "Contact")
    assert (person.company, person.is_user, person.role_id, person.invited_at) == (company, False, None, None)
    assert counts() == (2, 2)

    taken = {
        "company": [{"row": 1, "column": "name", "messages": ["Name has already been taken"]}],
        "person": [{"row": 1, "column": "email", "messages": ["Email has already been taken"]}],
    }
    again = api.send_import("POST", "imports", import_data=import_data)
    assert_error(again, 422, "invalid_attribute", taken, **IMPORT_DATA)

    assert move(api, import_id, "reverted").status_code == 200
    assert counts() == (1, 1)
    assert api.send_import("POST", "imports", import_data=import_data).status_code == 201


def test_staged_rows_are_checked_again_by_the_run_and_a_failed_import_changes_nothing(
    api: ApiClient,
) -> None:
    import_id = api.stage(PUBLISHED_ROWS)
    make_company(organization=api.caller.organization, name="IMPORT")
    before = list(Import.objects.values()), counts()

    response = move(api, import_id, "imported")

    detail = {
        "company": [{"row": 1, "column": "name", "messages": ["Name has already been taken"]}],
        "person": [],
    }
    assert_error(response, 422, "invalid_attribute", detail, **IMPORT_DATA)
    assert (list(Import.objects.values()), counts()) == before


@pytest.mark.parametrize("name", ["updated", "imported"])
def test_invalid_rows_that_are_sent_do_not_replace_the_staged_rows(api: ApiClient, name: str) -> None:
    import_id = api.stage(PUBLISHED_ROWS)
    before = list(Import.objects.values())

    response = move(api, import_id, name, import_data={"person": [{"first_name": " "}]}, sample=True)

    detail = {"person": [{"row": 1, "column": "first_name", "messages": ["First name can't be blank"]}]}
    assert_error(response, 422, "invalid_attribute", detail, **IMPORT_DATA)
    assert list(Import.objects.values()) == before
    assert move(api, import_id, "imported").status_code == 200
    assert counts() == (2, 2)


@pytest.mark.parametrize("name", ["updated", "imported"])
def test_valid_rows_that_are_sent_replace_the_staged_rows(api: ApiClient, name: str) -> None:
    import_id = api.stage(PUBLISHED_ROWS)
    sent = {"company": [{"name": "Sent"}]}

    assert move(api, import_id, name, import_data=sent).status_code == 200

    assert json.loads(read_staged(Import.objects.get())) == sent
    if name == "updated":
        assert counts() == (1, 1)
        assert move(api, import_id, "imported").status_code == 200
    assert [company.name for company in Company.objects.order_by("id")] == ["Acme", "Sent"]
    assert Person.objects.count() == 1


@pytest.mark.parametrize(
    "document",
    [None, {"data": {"type": "imports"}}, {"data": {"type": "imports", "attributes": {}}}],
)
def test_a_run_that_sends_no_rows_uses_the_staged_rows(api: ApiClient, document: dict[str, Any] | None) -> None:
    staged, nothing = api.stage(PUBLISHED_ROWS), str(make_import(creator=api.caller.person).pk)
    body = None if document is None else json.dumps(document)

    refused = api.request("POST", f"imports/{nothing}/import", body)

    assert_error(refused, 422, "invalid_attribute", "can't be blank", **IMPORT_DATA)
    assert api.request("POST", f"imports/{staged}/import", body).status_code == 200
    assert counts() == (2, 2)


@pytest.mark.parametrize("method", ["POST imports", "PATCH imports/{}", "POST imports/{}/import"])
@pytest.mark.parametrize("import_data", [None, "", "  "])
def test_blank_rows_are_refused_by_every_operation(api: ApiClient, method: str, import_data: str | None) -> None:
    import_id = api.stage(PUBLISHED_ROWS)

    response = api.send_import(*method.format(import_id).split(), import_data=import_data)

    assert_error(response, 422, "invalid_attribute", "can't be blank", **IMPORT_DATA)


@pytest.mark.parametrize(
    ("import_data", "detail"),
    [
        ("{", "is not valid JSON: line 1 column 2: Expecting property name enclosed in double quotes"),
        ('{"company": [{"due_days": NaN}]}', "is not valid JSON: NaN is not a JSON value"),
        ("[" * 100_000, "is not valid JSON: it is nested too deep"),
        ("[]", "must be an object with an array of rows for each type (company, person)"),
        (7, "must be an object with an array of rows for each type (company, person)"),
        ({"deal": []}, "has an unknown type 'deal'; known are company, person"),
        ({"company": {}}, "'company' must be an array of rows"),
        ({}, "has no rows"),
        ({"company": [], "person": []}, "has no rows"),
        ('{"company": [], "company": [{"name": "A"}]}', "names 'company' twice"),
    ],
)
def test_import_data_of_another_form_than_rows_is_refused_with_a_reason(
    api: ApiClient, import_data: Any, detail: str
) -> None:
    response = api.send_import("POST", "imports", import_data=import_data)

    assert_error(response, 422, "invalid_attribute", detail, **IMPORT_DATA)


def test_more_than_a_thousand_row_errors_are_cut_and_counted(api: ApiClient) -> None:
    response = api.send_import("POST", "imports", import_data={"company": [{}] * 700, "person": [{}] * 700})

    (error,) = document_of(response)["errors"]
    assert [len(entries) for entries in error["detail"].values()] == [700, 300]
    assert error["detail"]["person"][-1] == {
        "row": 300,
        "column": "first_name",
        "messages": ["First name can't be blank"],
    }
    assert list(error) == ["status", "code", "title", "detail", "source", "meta"]
    assert error["meta"] == {"error_count": 1400}


@pytest.mark.parametrize(
    ("sent", "kept"), [({}, False), ({"sample": None}, False), ({"sample": False}, False), ({"sample": True}, True)]
)
def test_creating_turns_a_sample_of_null_into_false(api: ApiClient, sent: dict[str, Any], kept: bool) -> None:
    created = api.send_import("POST", "imports", import_data=PUBLISHED_ROWS, **sent)

    assert document_of(created)["data"]["attributes"]["sample"] is kept


@pytest.mark.parametrize(
    ("before", "sent", "after"),
    [
        (None, {}, False),
        (True, {}, True),
        (False, {}, False),
        (True, {"sample": None}, False),
        (True, {"sample": False}, False),
        (None, {"sample": True}, True),
    ],
)
def test_updating_turns_a_sample_of_null_into_false_and_keeps_one_that_is_not_sent(
    api: ApiClient, before: bool | None, sent: dict[str, Any], after: bool
) -> None:
    import_id = str(make_import(creator=api.caller.person, sample=before).pk)

    assert document_of(move(api, import_id, "updated", **sent))["data"]["attributes"]["sample"] is after


@pytest.mark.parametrize("sample", [None, True, False])
def test_importing_and_reverting_keep_the_sample(api: ApiClient, sample: bool | None) -> None:
    rows = json.dumps(PUBLISHED_ROWS)
    import_id = str(make_import(creator=api.caller.person, sample=sample, import_data=rows).pk)

    shown = [document_of(move(api, import_id, name))["data"]["attributes"] for name in ("imported", "reverted")]

    assert [attributes["sample"] for attributes in shown] == [sample, sample]


@pytest.mark.parametrize(("sent", "after"), [({}, 7), ({"import_model_id": None}, None), ({"import_model_id": 8}, 8)])
def test_updating_keeps_a_model_that_is_not_sent(api: ApiClient, sent: dict[str, Any], after: int | None) -> None:
    created = api.send_import("POST", "imports", import_data=PUBLISHED_ROWS, import_model_id=7)
    import_id = document_of(created)["data"]["id"]

    assert document_of(move(api, import_id, "updated", **sent))["data"]["attributes"]["import_model_id"] == after
