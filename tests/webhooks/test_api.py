"""``/webhook_endpoints`` and ``/webhook_deliveries``: whole documents, and refusals."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.http import HttpResponse
from pytest_django import Settings

from importsvc.webhooks.events import Event
from importsvc.webhooks.models import WebhookDelivery, WebhookEndpoint
from tests.builders import SECRET, make_delivery, make_endpoint
from tests.client import ApiClient, assert_error, assert_replayed, document_of
from tests.webhooks.receiver import Receiver

URL = "https://example.com/hooks"
AT = datetime(2024, 7, 15, 9, tzinfo=UTC)
SHOWN_AT = "2024-07-15T11:00:00.000+02:00"
BLANK = "can't be blank"


def write(api: ApiClient, method: str, path: str, **attributes: Any) -> HttpResponse:
    return api.send(method, path, {"data": {"type": "webhook_endpoints", "attributes": attributes}})


def linkage(resource_type: str, record_id: Any) -> dict[str, Any]:
    return {"data": {"type": resource_type, "id": record_id}}


def pointer(attribute: str) -> dict[str, Any]:
    return {"source": {"pointer": f"data/attributes/{attribute}"}}


def without_feature(api: ApiClient) -> None:
    api.caller.organization.features = {"webhooks": {"available": False}}
    api.caller.organization.save()


def test_a_new_endpoint_is_shown_with_its_secret(api: ApiClient) -> None:
    response = write(api, "POST", "webhook_endpoints", url=URL, events=["import.reverted", "import.processed"])

    endpoint = WebhookEndpoint.objects.get()
    document = document_of(response)
    assert response.status_code == 201
    assert response.headers["Location"] == f"http://testserver/api/v2/webhook_endpoints/{endpoint.pk}"
    assert list(document) == ["data", "meta"]
    attributes = document["data"].pop("attributes")
    assert document["data"] == {
        "id": str(endpoint.pk),
        "type": "webhook_endpoints",
        "relationships": {
            "organization": linkage("organizations", api.caller.organization.pk),
            "creator": linkage("people", str(api.caller.person.pk)),
        },
    }
    assert attributes == {
        "url": URL,
        "events": ["import.processed", "import.reverted"],
        "enabled": True,
        "disabled_reason": None,
        "failing_since": None,
        "created_at": attributes["created_at"],
        "updated_at": attributes["updated_at"],
        "secret": endpoint.secret,
    }


def test_the_secret_is_in_no_other_response(api: ApiClient) -> None:
    made = write(api, "POST", "webhook_endpoints?fields[webhook_endpoints]=url", url=URL, events=Event.values)
    endpoint_id = document_of(made)["data"]["id"]
    secret = document_of(made)["data"]["attributes"]["secret"]
    make_delivery(endpoint=WebhookEndpoint.objects.get())

    for response in (
        write(api, "PATCH", f"webhook_endpoints/{endpoint_id}", enabled=False),
        api.get(f"webhook_endpoints/{endpoint_id}"),
        api.get("webhook_endpoints"),
        api.get("webhook_deliveries?include=endpoint"),
    ):
        assert response.status_code == 200
        assert secret.encode() not in response.content
        assert b"secret" not in response.content
    assert api.get("webhook_endpoints?fields[webhook_endpoints]=secret").status_code == 400


def test_a_rotated_secret_is_shown_once(api: ApiClient) -> None:
    endpoint = make_endpoint(organization=api.caller.organization)
    path = f"webhook_endpoints/{endpoint.pk}"

    document = document_of(api.request("POST", f"{path}/rotate_secret"))

    endpoint.refresh_from_db()
    secret = document["data"]["attributes"].pop("secret")
    assert secret == endpoint.secret != SECRET
    assert document == document_of(api.get(path))


def test_a_retry_of_a_creation_with_the_same_key_gets_the_same_secret(api: ApiClient) -> None:
    keyed = ApiClient(api.caller, **{"Idempotency-Key": "again"})

    first, again = (write(keyed, "POST", "webhook_endpoints", url=URL, events=Event.values) for _ in range(2))

    assert_replayed(first, again)
    assert WebhookEndpoint.objects.count() == 1


def test_attributes_of_an_endpoint_are_changed_one_by_one(api: ApiClient) -> None:
    endpoint = make_endpoint(organization=api.caller.organization, enabled=False, disabled_reason="Gone")
    path = f"webhook_endpoints/{endpoint.pk}"
    before = document_of(api.get(path))["data"]["attributes"]

    changed = document_of(write(api, "PATCH", path, enabled=True))["data"]["attributes"]
    assert changed == {**before, "enabled": True, "disabled_reason": None, "updated_at": changed["updated_at"]}
    changed = document_of(write(api, "PATCH", path, url="https://example.com/b"))["data"]["attributes"]
    assert (changed["url"], changed["enabled"]) == ("https://example.com/b", True)
    changed = document_of(write(api, "PATCH", path, events=["import.failed"]))["data"]["attributes"]
    assert changed["events"] == ["import.failed"]


def test_an_endpoint_that_was_read_can_be_sent_back_after_the_service_has_changed_it(api: ApiClient) -> None:
    endpoint = make_endpoint(organization=api.caller.organization)
    path = f"webhook_endpoints/{endpoint.pk}"
    before = document_of(api.get(path))["data"]["attributes"]

    response = write(api, "PATCH", path, **{**before, "updated_at": SHOWN_AT, "disabled_reason": "x"})

    after = document_of(response)["data"]["attributes"]
    assert after == {**before, "updated_at": after["updated_at"]}


def test_an_update_that_changes_when_an_endpoint_was_created_is_refused(api: ApiClient) -> None:
    path = f"webhook_endpoints/{make_endpoint(organization=api.caller.organization).pk}"
    before = document_of(api.get(path))

    response = write(api, "PATCH", path, enabled=False, created_at="2020-01-01T00:00:00.000Z")

    source = {"pointer": "data/attributes/created_at"}
    assert_error(response, 422, "invalid_attribute", "is read-only, and differs from the record's", source=source)
    assert document_of(api.get(path)) == before


def test_a_deleted_endpoint_is_gone_with_its_deliveries(api: ApiClient) -> None:
    endpoint = make_endpoint(organization=api.caller.organization)
    delivery = make_delivery(endpoint=endpoint)
    path = f"webhook_endpoints/{endpoint.pk}"
    meta = {"organization_features": document_of(api.get(path))["meta"]["organization_features"]}

    deleted = api.request("DELETE", path)

    assert (deleted.status_code, document_of(deleted)) == (200, {"meta": meta})
    for gone in (path, f"webhook_deliveries/{delivery.pk}"):
        assert_error(api.get(gone), 404, "record_not_found", "The requested record was not found")
    assert api.request("DELETE", path).status_code == 404


@pytest.mark.parametrize(
    ("attributes", "attribute", "message"),
    [
        ({"url": None}, "url", BLANK),
        ({"url": ""}, "url", BLANK),
        ({"url": 5}, "url", "must be text"),
        ({"url": ["https://example.com"]}, "url", "must be text"),
        ({"url": "http://example.com"}, "url", "must begin with https://"),
        ({"url": "https://127.0.0.1/"}, "url", "must not have a private address"),
        ({"url": "https://169.254.169.254/"}, "url", "must not have a private address"),
        ({"url": "https://[::1]/"}, "url", "must not have a private address"),
        ({"url": "https://2130706433/"}, "url", "must have a host name, or an IP address in its usual form"),
        ({"url": f"https://example.com/{'x' * 2000}"}, "url", "must have at most 2,000 characters"),
        ({"events": None}, "events", BLANK),
        ({"events": []}, "events", f"must be one or more of {', '.join(Event.values)}"),
        ({"events": "import.failed"}, "events", "must be a list of text"),
        ({"events": {"import.failed": 1}}, "events", "must be a list of text"),
        ({"events": [["import.failed"]]}, "events", "must be a list of text"),
        ({"events": ["import.banana"]}, "events", f"must be one or more of {', '.join(Event.values)}"),
        ({"enabled": "yes"}, "enabled", "must be true or false"),
        ({"secret": SECRET}, "secret", "is not a known attribute"),
    ],
)
def test_an_attribute_that_is_not_acceptable_is_refused(
    api: ApiClient, attributes: dict[str, Any], attribute: str, message: str
) -> None:
    endpoint = make_endpoint(organization=api.caller.organization)
    before = list(WebhookEndpoint.objects.values())

    created = write(api, "POST", "webhook_endpoints", **{"url": URL, "events": ["import.failed"], **attributes})
    updated = write(api, "PATCH", f"webhook_endpoints/{endpoint.pk}", **attributes)

    for response in (created, updated):
        assert_error(response, 422, "invalid_attribute", message, **pointer(attribute))
    assert list(WebhookEndpoint.objects.values()) == before


def test_url_and_events_are_required(api: ApiClient) -> None:
    response = write(api, "POST", "webhook_endpoints", enabled=True)

    errors = document_of(response)["errors"]
    assert [(each["detail"], each["source"]["pointer"]) for each in errors] == [
        (BLANK, "data/attributes/url"),
        (BLANK, "data/attributes/events"),
    ]


@pytest.mark.parametrize(("method", "path"), [("POST", "webhook_endpoints"), ("PATCH", "webhook_endpoints/{}")])
def test_a_request_without_a_body_or_of_another_type_is_refused(api: ApiClient, method: str, path: str) -> None:
    path = path.format(make_endpoint(organization=api.caller.organization).pk)

    assert_error(api.request(method, path), 400, "bad_request", "The request has no body")
    assert api.send_import(method, path, url=URL).status_code == 409


def test_the_document_of_a_delivery(api: ApiClient) -> None:
    endpoint = make_endpoint(organization=api.caller.organization)
    payload = {"type": "import.failed", "timestamp": "2024-07-15T09:00:00.000+00:00", "data": {"counts": None}}
    delivery = make_delivery(
        endpoint=endpoint,
        event=Event.IMPORT_FAILED,
        payload=payload,
        attempts=2,
        last_status=500,
        last_error="The response has the status 500",
        created_at=AT,
        next_attempt_at=AT,
    )

    document = document_of(api.get(f"webhook_deliveries/{delivery.pk}"))

    assert document["data"] == {
        "id": str(delivery.pk),
        "type": "webhook_deliveries",
        "attributes": {
            "event": "import.failed",
            "event_id": "msg_1",
            "payload": payload,
            "status": "pending",
            "attempts": 2,
            "next_attempt_at": SHOWN_AT,
            "last_status": 500,
            "last_error": "The response has the status 500",
            "created_at": SHOWN_AT,
            "delivered_at": None,
        },
        "relationships": {
            "organization": linkage("organizations", api.caller.organization.pk),
            "endpoint": linkage("webhook_endpoints", str(endpoint.pk)),
        },
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "a b c"),
        ("?sort=-id", "c b a"),
        ("?filter[status]=pending", "a"),
        ("?filter[status]=delivered,failed", "b c"),
        ("?filter[event]=import.failed", "b"),
        ("?filter[endpoint_id]={first}", "a b"),
        ("?filter[endpoint_id]={second}&filter[status]=pending", ""),
    ],
)
def test_deliveries_are_found_by_filters(api: ApiClient, query: str, found: str) -> None:
    first, second = (make_endpoint(organization=api.caller.organization) for _ in range(2))
    ended = {"next_attempt_at": None}
    make_delivery(endpoint=first, event_id="a")
    make_delivery(endpoint=first, event_id="b", status="failed", event=Event.IMPORT_FAILED, **ended)
    make_delivery(endpoint=second, event_id="c", status="delivered", delivered_at=AT, **ended)

    document = document_of(api.get(f"webhook_deliveries{query.format(first=first.pk, second=second.pk)}"))

    assert " ".join(each["attributes"]["event_id"] for each in document["data"]) == found


@pytest.mark.parametrize("query", ["filter[status]=banana", "filter[event]=banana", "filter[endpoint_id]=x"])
def test_a_filter_value_that_does_not_exist_is_refused(api: ApiClient, query: str) -> None:
    assert document_of(api.get(f"webhook_deliveries?{query}"))["errors"][0]["code"] == "unsupported_filter_value"


def test_a_delivery_is_sent_again(api: ApiClient) -> None:
    endpoint = make_endpoint(organization=api.caller.organization)
    delivery = make_delivery(endpoint=endpoint, status="failed", attempts=10, last_error="x", next_attempt_at=None)
    path = f"webhook_deliveries/{delivery.pk}"

    response = api.request("POST", f"{path}/redeliver")

    assert (response.status_code, document_of(response)) == (200, document_of(api.get(path)))
    attributes = document_of(response)["data"]["attributes"]
    assert (attributes["status"], attributes["attempts"], attributes["last_error"]) == ("pending", 0, None)


def test_a_delivery_to_a_disabled_endpoint_is_a_conflict(api: ApiClient) -> None:
    delivery = make_delivery(endpoint=make_endpoint(organization=api.caller.organization, enabled=False))

    response = api.request("POST", f"webhook_deliveries/{delivery.pk}/redeliver")

    assert_error(response, 409, "conflict", "The endpoint of the delivery is disabled")


def test_deliveries_cannot_be_written(api: ApiClient) -> None:
    delivery = make_delivery(endpoint=make_endpoint(organization=api.caller.organization))

    for method, path in (("POST", ""), ("PATCH", f"/{delivery.pk}"), ("DELETE", f"/{delivery.pk}")):
        response = api.request(method, f"webhook_deliveries{path}", json.dumps({"data": {}}))
        assert_error(response, 405, "method_not_allowed", "This method is not allowed on this endpoint")
    assert WebhookDelivery.objects.count() == 1


def test_without_the_feature_endpoints_can_be_read_and_deleted_only(api: ApiClient) -> None:
    endpoint = make_endpoint(organization=api.caller.organization)
    delivery = make_delivery(endpoint=endpoint)
    without_feature(api)
    path = f"webhook_endpoints/{endpoint.pk}"

    for response in (
        write(api, "POST", "webhook_endpoints", url=URL, events=Event.values),
        write(api, "PATCH", path, enabled=False),
        api.request("POST", f"{path}/rotate_secret"),
        api.request("POST", f"webhook_deliveries/{delivery.pk}/redeliver"),
    ):
        detail = "The feature 'webhooks' is not available to this organization"
        assert_error(response, 403, "access_denied", detail)
    assert api.get("webhook_endpoints").status_code == api.get("webhook_deliveries").status_code == 200
    assert document_of(api.get(path))["meta"]["organization_features"]["webhooks"]["available"] is False
    assert api.request("DELETE", path).status_code == 200


def test_http_and_private_addresses_are_accepted_where_the_setting_allows_them(
    api: ApiClient, receiver: Receiver, settings: Settings
) -> None:
    assert write(api, "POST", "webhook_endpoints", url=receiver.url, events=Event.values).status_code == 201
    settings.ALLOW_PRIVATE_WEBHOOKS = False
    assert write(api, "POST", "webhook_endpoints", url=receiver.url, events=Event.values).status_code == 422


def test_endpoints_need_authentication(api: ApiClient) -> None:
    for path in ("webhook_endpoints", "webhook_deliveries"):
        assert api.get(path, **{"X-Auth-Token": None}).status_code == 401
