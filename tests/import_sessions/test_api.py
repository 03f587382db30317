"""``/import_sessions``: whole documents, and refusals."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from importsvc.import_sessions.models import ImportSession
from people.services import NewOrganization, create_token
from tests.builders import make_import_model, make_import_session, make_person
from tests.client import ApiClient, assert_error, assert_replayed, document_of
from tests.import_sessions.links import APP, ask, make_link

BLANK = "can't be blank"
LIFETIME = "must be a whole number from 1 to 3600"
URL = "must be an http or https URL such as https://app.example.com/contacts"
ORIGIN = "must be one of the origins that may embed the wizard (IMPORT_FRAME_ORIGINS)"
COLOR = "must be a colour such as #1d4ed8"


@pytest.fixture(autouse=True)
def frame_origins(settings: Settings) -> None:
    """The origin of an integrator's pages may embed the wizard."""
    settings.IMPORT_FRAME_ORIGINS = [APP, "http://other.example:8080"]


def linkage(resource_type: str, record_id: Any) -> dict[str, Any]:
    return {"data": {"type": resource_type, "id": record_id}}


def at(attribute: str) -> dict[str, Any]:
    return {"source": {"pointer": f"data/attributes/{attribute}"}}


def test_a_new_session_is_shown_with_its_url(api: ApiClient) -> None:
    grace = make_person(organization=api.caller.organization)
    model = make_import_model(organization=api.caller.organization)

    response = ask(
        api,
        person=grace,
        record_types=["person", "company", "person"],
        import_model_id=model.pk,
        return_url=f"{APP}/contacts?tab=all#people",
        theme_color="#1D4ED8",
        frame_origin=APP,
        lifetime_seconds=600,
    )

    session = ImportSession.objects.get()
    document = document_of(response)
    assert response.status_code == 201
    assert response.headers["Location"] == f"http://testserver/api/v2/import_sessions/{session.pk}"
    assert list(document) == ["data", "meta"]
    attributes = document["data"].pop("attributes")
    assert document["data"] == {
        "id": str(session.pk),
        "type": "import_sessions",
        "relationships": {
            "organization": linkage("organizations", api.caller.organization.pk),
            "creator": linkage("people", str(api.caller.person.pk)),
            "person": linkage("people", str(grace.pk)),
        },
    }
    assert attributes == {
        "record_types": ["company", "person"],
        "import_model_id": model.pk,
        "may_revert": True,
        "return_url": f"{APP}/contacts?tab=all#people",
        "theme_color": "#1d4ed8",
        "frame_origin": APP,
        "created_at": attributes["created_at"],
        "expires_at": attributes["expires_at"],
        "url": attributes["url"],
    }
    entry = f"http://testserver/import/enter/{api.caller.organization.pk}/"
    assert re.fullmatch(rf"{re.escape(entry)}[A-Za-z0-9]{{8}}\.[A-Za-z0-9]{{32}}", attributes["url"])
    created_at, expires_at = (datetime.fromisoformat(attributes[name]) for name in ("created_at", "expires_at"))
    assert expires_at - created_at == timedelta(minutes=10)
    assert abs(timezone.now() - created_at) < timedelta(minutes=1)


def test_a_session_needs_a_person_only_and_lasts_an_hour(api: ApiClient) -> None:
    attributes = document_of(ask(api))["data"]["attributes"]

    session = ImportSession.objects.get()
    assert {name: value for name, value in attributes.items() if not name.endswith(("_at", "url"))} == {
        "record_types": [],
        "import_model_id": None,
        "may_revert": True,
        "theme_color": None,
        "frame_origin": None,
    }
    assert session.expires_at - session.created_at == timedelta(hours=1)


def test_null_stands_for_what_is_not_given(api: ApiClient) -> None:
    names = ("import_model_id", "return_url", "theme_color", "frame_origin")

    attributes = document_of(ask(api, **dict.fromkeys(names)))["data"]["attributes"]

    assert [attributes[name] for name in names] == [None] * 4


def test_the_key_is_in_no_other_response_and_is_not_stored(api: ApiClient) -> None:
    key = make_link(api).rpartition("/")[2]
    session = ImportSession.objects.get()
    secret = key.partition(".")[2]

    for response in (api.get("import_sessions"), api.get(f"import_sessions/{session.pk}")):
        assert response.status_code == 200
        for hidden in (secret, session.prefix, session.hashed_key, "hashed_key", '"url"'):
            assert hidden.encode() not in response.content
    assert not any(secret in str(value) for value in ImportSession.objects.values_list().get())
    assert api.get("import_sessions?fields[import_sessions]=hashed_key").status_code == 400


def test_the_url_is_shown_whichever_fields_are_asked_for(api: ApiClient) -> None:
    data = {"type": "import_sessions", "relationships": {"person": linkage("people", str(api.caller.person.pk))}}

    response = api.send("POST", "import_sessions?fields[import_sessions]=", {"data": data})

    assert list(document_of(response)["data"]["attributes"]) == ["url"]


def test_a_retry_with_the_same_key_gets_the_same_link(api: ApiClient) -> None:
    keyed = ApiClient(api.caller, **{"Idempotency-Key": "again"})

    first, again = (ask(keyed) for _ in range(2))

    assert_replayed(first, again)
    assert ImportSession.objects.count() == 1


def test_sessions_are_listed_with_their_people(api: ApiClient) -> None:
    grace = make_person(organization=api.caller.organization)
    sessions = [make_import_session(person=person, creator=api.caller.person) for person in (grace, api.caller.person)]

    document = document_of(api.get("import_sessions?include=person&sort=-id"))
    assert [each["id"] for each in document["data"]] == [str(session.pk) for session in reversed(sessions)]
    assert {each["id"] for each in document["included"]} == {str(grace.pk), str(api.caller.person.pk)}
    filtered = document_of(api.get(f"import_sessions?filter[id]={sessions[0].pk},0"))
    assert [each["id"] for each in filtered["data"]] == [str(sessions[0].pk)]


def test_a_revoked_session_is_gone(api: ApiClient) -> None:
    path = f"import_sessions/{make_import_session(person=api.caller.person).pk}"
    meta = {"organization_features": document_of(api.get(path))["meta"]["organization_features"]}

    deleted = api.request("DELETE", path)

    assert (deleted.status_code, document_of(deleted)) == (200, {"meta": meta})
    for response in (api.get(path), api.request("DELETE", path)):
        assert_error(response, 404, "record_not_found", "The requested record was not found")


@pytest.mark.parametrize(
    ("attributes", "attribute", "message"),
    [
        ({"lifetime_seconds": 3601}, "lifetime_seconds", LIFETIME),
        ({"lifetime_seconds": 0}, "lifetime_seconds", LIFETIME),
        ({"lifetime_seconds": -60}, "lifetime_seconds", LIFETIME),
        ({"lifetime_seconds": 10**30}, "lifetime_seconds", LIFETIME),
        ({"lifetime_seconds": 60.5}, "lifetime_seconds", LIFETIME),
        ({"lifetime_seconds": "60"}, "lifetime_seconds", LIFETIME),
        ({"lifetime_seconds": True}, "lifetime_seconds", LIFETIME),
        ({"lifetime_seconds": None}, "lifetime_seconds", LIFETIME),
        ({"record_types": ["invoice"]}, "record_types", "must be some of company, person"),
        ({"record_types": ["person", "Person"]}, "record_types", "must be some of company, person"),
        ({"record_types": "person"}, "record_types", "must be a list of text"),
        ({"record_types": [["person"]]}, "record_types", "must be a list of text"),
        ({"record_types": None}, "record_types", "must be a list of text"),
        ({"import_model_id": 999_999_999}, "import_model_id", "must exist"),
        ({"import_model_id": "7"}, "import_model_id", "must be a positive whole number"),
        ({"import_model_id": 0}, "import_model_id", "must be a positive whole number"),
        ({"return_url": "javascript:alert(1)"}, "return_url", URL),
        ({"return_url": " javascript:alert(1)"}, "return_url", URL),
        ({"return_url": "JavaScript://a.test/%0aalert(1)"}, "return_url", URL),
        ({"return_url": "data:text/html,x"}, "return_url", URL),
        ({"return_url": "//app.example.com/"}, "return_url", URL),
        ({"return_url": "/contacts"}, "return_url", URL),
        ({"return_url": "app.example.com"}, "return_url", URL),
        ({"return_url": "ftp://app.example.com/"}, "return_url", URL),
        ({"return_url": "https://"}, "return_url", URL),
        ({"return_url": "https://app.example.com/a b"}, "return_url", URL),
        ({"return_url": "https://app.example.com/\n"}, "return_url", URL),
        ({"return_url": f"https://app.example.com/{'x' * 2000}"}, "return_url", "must have at most 2,000 characters"),
        ({"return_url": ""}, "return_url", BLANK),
        ({"return_url": 5}, "return_url", "must be text"),
        ({"theme_color": "blue"}, "theme_color", COLOR),
        ({"theme_color": "#12345"}, "theme_color", COLOR),
        ({"theme_color": "#12345g"}, "theme_color", COLOR),
        ({"theme_color": "#123456\n"}, "theme_color", COLOR),
        ({"theme_color": "#123456;color:red"}, "theme_color", COLOR),
        ({"theme_color": 123456}, "theme_color", "must be text"),
        ({"frame_origin": "https://evil.example"}, "frame_origin", ORIGIN),
        ({"frame_origin": f"{APP}/"}, "frame_origin", ORIGIN),
        ({"frame_origin": "http://app.example.com"}, "frame_origin", ORIGIN),
        ({"frame_origin": f"{APP} http://other.example:8080"}, "frame_origin", ORIGIN),
        ({"frame_origin": "*"}, "frame_origin", ORIGIN),
        ({"frame_origin": True}, "frame_origin", "must be text"),
        ({"url": "https://example.com"}, "url", "is not a known attribute"),
        ({"hashed_key": "x"}, "hashed_key", "is not a known attribute"),
    ],
)
def test_an_attribute_that_is_not_acceptable_is_refused(
    api: ApiClient, attributes: dict[str, Any], attribute: str, message: str
) -> None:
    assert_error(ask(api, **attributes), 422, "invalid_attribute", message, **at(attribute))
    assert not ImportSession.objects.exists()


def test_no_origin_may_embed_the_wizard_unless_the_operator_names_it(api: ApiClient, settings: Settings) -> None:
    settings.IMPORT_FRAME_ORIGINS = []

    assert_error(ask(api, frame_origin=APP), 422, "invalid_attribute", ORIGIN, **at("frame_origin"))


def test_a_mapping_of_another_organization_does_not_exist(api: ApiClient, globex: NewOrganization) -> None:
    theirs = make_import_model(organization=globex.organization)

    response = ask(api, import_model_id=theirs.pk)

    assert_error(response, 422, "invalid_attribute", "must exist", **at("import_model_id"))


def test_the_person_is_an_active_one_of_the_organization(api: ApiClient, globex: NewOrganization) -> None:
    organization = api.caller.organization
    left = make_person(organization=organization, deactivated_at=timezone.now())
    archived = make_person(organization=organization, archived_at=timezone.now())
    removed = make_person(organization=organization)
    removed_id = removed.pk
    removed.delete()
    removed.pk = removed_id

    for person, message in [
        (None, BLANK),
        (globex.person, "must exist"),
        (removed, "must exist"),
        (left, "must not be deactivated or archived"),
        (archived, "must not be deactivated or archived"),
    ]:
        assert_error(ask(api, person=person), 422, "invalid_attribute", message, **at("person"))
    without = api.send("POST", "import_sessions", {"data": {"type": "import_sessions"}})
    assert_error(without, 422, "invalid_attribute", BLANK, **at("person"))
    assert not ImportSession.objects.exists()


def test_the_linkage_is_to_a_person_and_no_other_relationship_is_set(api: ApiClient) -> None:
    own_id = str(api.caller.person.pk)

    def send(**relationships: Any) -> Any:
        return api.send(
            "POST", "import_sessions", {"data": {"type": "import_sessions", "relationships": relationships}}
        )

    detail = "'person' must be a resource identifier of type 'people'"
    for wrong in (linkage("companies", own_id), linkage("people", "x"), {"data": [{"type": "people", "id": own_id}]}):
        response = send(person=wrong)
        assert_error(response, 400, "bad_request", detail, source={"pointer": "data/relationships/person"})
    response = send(person=linkage("people", own_id), creator=linkage("people", own_id))
    assert_error(
        response,
        403,
        "access_denied",
        "Relationships of this resource cannot be written",
        source={"pointer": "data/relationships"},
    )
    assert not ImportSession.objects.exists()


def test_a_session_may_do_no_more_than_the_token_that_asks_for_it(api: ApiClient) -> None:
    def narrow(*scopes: str) -> ApiClient:
        return ApiClient(api.caller, **{"X-Auth-Token": create_token(person=api.caller.person, scopes=scopes)})

    for missing, scopes in {"read": ("import", "revert"), "import": ("read", "revert")}.items():
        detail = f"The token does not have the scope '{missing}'"
        assert_error(ask(narrow(*scopes)), 403, "access_denied", detail, source={"header": "X-Auth-Token"})
    assert document_of(ask(narrow("read", "import")))["data"]["attributes"]["may_revert"] is False
    assert document_of(ask(narrow("read", "import", "revert")))["data"]["attributes"]["may_revert"] is True


def test_a_request_without_a_body_or_of_another_type_is_refused(api: ApiClient) -> None:
    assert_error(api.request("POST", "import_sessions"), 400, "bad_request", "The request has no body")
    assert api.send_import("POST", "import_sessions", sample=True).status_code == 409


def test_sessions_cannot_be_changed(api: ApiClient) -> None:
    path = f"import_sessions/{make_import_session(person=api.caller.person).pk}"
    data = {"type": "import_sessions", "attributes": {"lifetime_seconds": 60}}

    response = api.send("PATCH", path, {"data": data})

    assert_error(response, 405, "method_not_allowed", "This method is not allowed on this endpoint")
