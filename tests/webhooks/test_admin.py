"""Staff manage endpoints, whose secrets are shown once, and send deliveries again."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from importsvc.webhooks.models import WebhookDelivery, WebhookEndpoint
from people.services import NewOrganization
from tests.admin_pages import SCRIPT, log_in_staff, messages_of, open_form, read, save, send_form, url_of, write
from tests.builders import SECRET, make_delivery, make_endpoint

pytestmark = pytest.mark.django_db

URL = "https://example.com/new"


def read_told_secrets(client: Client) -> list[str]:
    """The secrets in the messages on the next page."""
    page = read(client, "/admin/")
    return re.findall(r'<code id="secret-\d+">(whsec_[\w+/=]+)</code> – <button type="button"', page)


def act(client: Client, record: Any, action: str) -> list[str]:
    """The messages after an action on a record of a list."""
    selection = {"action": action, "_selected_action": [record.pk]}
    return messages_of(client.post(url_of(type(record), "changelist"), selection, follow=True))


def test_a_new_endpoint_shows_its_secret_once(acme: NewOrganization, admin_client: Client) -> None:
    form = open_form(admin_client, WebhookEndpoint)
    sent = {**form, "organization": str(acme.organization.pk), "url": URL, "events": ["import.failed"], "enabled": "on"}

    assert admin_client.post(url_of(WebhookEndpoint, "add"), sent).status_code == 302

    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.url, endpoint.events, endpoint.enabled) == (URL, ["import.failed"], True)
    assert (endpoint.organization, endpoint.creator) == (acme.organization, None)
    assert read_told_secrets(admin_client) == [endpoint.secret]
    assert read_told_secrets(admin_client) == []
    for page in (url_of(WebhookEndpoint, "changelist"), url_of(endpoint), url_of(endpoint, "history")):
        assert endpoint.secret not in read(admin_client, page)


@pytest.mark.parametrize(
    ("edits", "field", "error"),
    [
        ({"url": "http://example.com"}, "url", "The URL must begin with https://."),
        ({"url": "https://127.0.0.1/"}, "url", "The URL must not have a private address."),
        ({"url": ""}, "url", "This field is required."),
    ],
)
def test_a_url_that_webhooks_are_not_sent_to_is_refused(
    acme: NewOrganization, admin_client: Client, edits: dict[str, str], field: str, error: str
) -> None:
    endpoint = make_endpoint(organization=acme.organization)

    assert save(admin_client, endpoint, **edits) == {field: [error]}
    assert save(admin_client, WebhookEndpoint, organization=str(acme.organization.pk), **edits)[field] == [error]
    assert list(WebhookEndpoint.objects.values_list("url", flat=True)) == [endpoint.url]


def test_an_endpoint_without_events_is_refused(acme: NewOrganization, admin_client: Client) -> None:
    endpoint = make_endpoint(organization=acme.organization)

    assert save(admin_client, endpoint, events=None) == {"events": ["This field is required."]}


def test_an_edited_endpoint_is_saved_and_an_unedited_one_is_not_written(
    acme: NewOrganization, admin_client: Client
) -> None:
    endpoint = make_endpoint(organization=acme.organization, enabled=False, disabled_reason="Gone")
    form = {**open_form(admin_client, endpoint), "events": endpoint.events}
    admin_client.post(url_of(endpoint), form)
    assert WebhookEndpoint.objects.get().updated_at == endpoint.updated_at

    admin_client.post(url_of(endpoint), {**form, "url": URL, "events": ["import.failed"], "enabled": "on"})

    stored = WebhookEndpoint.objects.get()
    assert (stored.url, stored.events, stored.enabled, stored.disabled_reason) == (URL, ["import.failed"], True, None)
    assert stored.secret == SECRET
    assert stored.updated_at > endpoint.updated_at


def test_a_field_that_was_changed_meanwhile_is_not_overwritten(acme: NewOrganization, admin_client: Client) -> None:
    endpoint = make_endpoint(organization=acme.organization)
    opened = open_form(admin_client, endpoint)
    write(endpoint, url="https://example.com/meanwhile")

    send_form(admin_client, endpoint, opened, url=URL)

    assert WebhookEndpoint.objects.get().url == "https://example.com/meanwhile"


def test_without_the_feature_an_endpoint_cannot_be_saved(acme: NewOrganization, admin_client: Client) -> None:
    endpoint = make_endpoint(organization=acme.organization)
    acme.organization.features = {"webhooks": {"available": False}}
    acme.organization.save()
    refused = {"__all__": ["The feature 'webhooks' is not available to this organization"]}

    assert save(admin_client, endpoint, url=URL) == refused
    assert act(admin_client, endpoint, "rotate_secrets") == [
        "https://example.com/hooks: The feature 'webhooks' is not available to this organization"
    ]
    assert WebhookEndpoint.objects.get().secret == SECRET


def test_a_rotated_secret_is_shown_once_and_logged(acme: NewOrganization, admin_client: Client) -> None:
    endpoint = make_endpoint(organization=acme.organization)

    (message,) = act(admin_client, endpoint, "rotate_secrets")

    stored = WebhookEndpoint.objects.get()
    assert stored.secret != SECRET
    assert stored.secret in message
    assert read_told_secrets(admin_client) == []
    assert LogEntry.objects.get().get_change_message() == "Rotated the secret."


def test_an_endpoint_is_deleted_with_its_deliveries(acme: NewOrganization, admin_client: Client) -> None:
    for _ in range(2):
        make_delivery(endpoint=make_endpoint(organization=acme.organization))
    first, second = WebhookEndpoint.objects.order_by("id")

    admin_client.post(url_of(first, "delete"), {"post": "yes"})
    assert list(WebhookEndpoint.objects.all()) == [second]
    assert list(WebhookDelivery.objects.values_list("endpoint", flat=True)) == [second.pk]

    selection = {"action": "delete_selected", "_selected_action": [second.pk], "post": "yes"}
    admin_client.post(url_of(WebhookEndpoint, "changelist"), selection)
    assert not WebhookEndpoint.objects.exists()
    assert not WebhookDelivery.objects.exists()


def test_the_page_of_an_endpoint_leads_to_its_deliveries(acme: NewOrganization, admin_client: Client) -> None:
    for number in range(2):
        make_delivery(endpoint=make_endpoint(organization=acme.organization), event_id=f"msg_{number}")
    endpoint = WebhookEndpoint.objects.order_by("id")[0]

    (link,) = re.findall(
        r'href="(/admin/webhooks/webhookdelivery/\?endpoint.*?)"', read(admin_client, url_of(endpoint))
    )

    shown = admin_client.get(link).context["cl"].result_list
    assert [each.event_id for each in shown] == ["msg_0"]


def test_deliveries_are_listed_by_status(acme: NewOrganization, admin_client: Client) -> None:
    endpoint = make_endpoint(organization=acme.organization)
    make_delivery(endpoint=endpoint)
    make_delivery(endpoint=endpoint, event_id="msg_2", status="failed", next_attempt_at=None)
    make_delivery(
        endpoint=endpoint, event_id="msg_3", status="delivered", next_attempt_at=None, delivered_at=timezone.now()
    )
    changelist = url_of(WebhookDelivery, "changelist")

    states = re.findall(r'data-label="status"> ?<span.*?> (\w+) </span>', read(admin_client, changelist))
    failed = admin_client.get(changelist, {"status__exact": "failed"}).context["cl"].result_list

    assert states == ["delivered", "failed", "pending"]
    assert [each.event_id for each in failed] == ["msg_2"]


def test_a_delivery_is_read_only(acme: NewOrganization, admin_client: Client) -> None:
    delivery = make_delivery(endpoint=make_endpoint(organization=acme.organization), last_error=SCRIPT)
    before = WebhookDelivery.objects.values().get()

    page = read(admin_client, url_of(delivery))
    assert "msg_1" in page
    assert SCRIPT not in page
    assert admin_client.post(url_of(delivery), {"status": "failed"}).status_code == 403
    assert admin_client.post(url_of(delivery, "delete"), {"post": "yes"}).status_code == 403
    assert WebhookDelivery.objects.values().get() == before


def test_selected_deliveries_are_sent_again_and_that_is_logged(acme: NewOrganization, admin_client: Client) -> None:
    endpoint = make_endpoint(organization=acme.organization)
    delivery = make_delivery(endpoint=endpoint, status="failed", attempts=10, next_attempt_at=None)

    assert act(admin_client, delivery, "send_again") == ["1 delivery will be sent again."]

    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("pending", 0)
    assert LogEntry.objects.get().get_change_message() == "Sent again."


def test_a_delivery_to_a_disabled_endpoint_is_not_sent_again(acme: NewOrganization, admin_client: Client) -> None:
    endpoint = make_endpoint(organization=acme.organization, enabled=False)
    delivery = make_delivery(endpoint=endpoint, status="failed", next_attempt_at=None)

    assert act(admin_client, delivery, "send_again") == [
        "import.processed msg_1: The endpoint of the delivery is disabled",
        "0 deliveries will be sent again.",
    ]
    assert WebhookDelivery.objects.get().status == "failed"


@pytest.mark.parametrize(("group", "status"), [("Support", "failed"), ("Operators", "pending")])
def test_operators_may_send_deliveries_again_and_support_may_not(
    acme: NewOrganization, group: str, status: str
) -> None:
    endpoint = make_endpoint(organization=acme.organization)
    delivery = make_delivery(endpoint=endpoint, status="failed", next_attempt_at=None)
    user = User.objects.create_user("staff", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(user)

    act(client, delivery, "send_again")

    assert WebhookDelivery.objects.get().status == status
    act(client, endpoint, "rotate_secrets")
    assert save_is_refused(client, endpoint)
    assert WebhookEndpoint.objects.get().secret == SECRET


def save_is_refused(client: Client, record: Any) -> bool:
    return bool(client.post(url_of(record), {"url": URL}).status_code == 403)


def test_staff_without_permissions_see_no_webhooks(acme: NewOrganization) -> None:
    endpoint = make_endpoint(organization=acme.organization)
    staff = log_in_staff(codename="view_company")

    for page in (url_of(WebhookEndpoint, "changelist"), url_of(WebhookDelivery, "changelist"), url_of(endpoint)):
        assert staff.get(page).status_code == 403
