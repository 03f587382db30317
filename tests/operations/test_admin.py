"""Staff see operations of all organizations, and Operators cancel them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from importsvc.operations.models import Kind, Operation, Progress, Status
from importsvc.operations.work import run_next
from people.services import NewOrganization
from tests.admin_pages import SCRIPT, log_in_staff, messages_of, read, url_of
from tests.builders import make_import, make_operation
from tests.operations.queueing import ROWS, create, queue
from tests.operations.running import claimed

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/operations/operation/"


@pytest.fixture
def staff(admin_user: User) -> Client:
    """A client of a superuser."""
    client = Client()
    client.force_login(admin_user)
    return client


def listed(client: Client, query: str = "") -> list[str]:
    """The ids of the operations in the list."""
    response = client.get(f"{LIST}{query}")
    assert response.status_code == 200
    return [str(each.pk) for each in response.context["cl"].result_list]


def test_operations_are_listed_newest_first_and_found_by_status_and_import(
    acme: NewOrganization, globex: NewOrganization, staff: Client
) -> None:
    import_ = create(acme)
    failed = make_operation(
        creator=globex.person, kind="create", status="failed", finished_at="2100-01-01T00:00:00Z", errors=[]
    )
    operation = queue(acme, Kind.IMPORT, import_)

    with claimed(operation):
        found = {status: listed(staff, f"?status={status}") for status in ("running", "queued", "failed", "unknown")}

    both = [str(operation.pk), str(failed.pk)]
    assert found == {"running": both[:1], "queued": [], "failed": both[1:], "unknown": both}
    assert listed(staff) == both
    assert listed(staff, f"?import_record__id__exact={import_.pk}") == both[:1]
    assert both[1] in listed(staff, f"?q={failed.pk}")
    assert listed(staff, f"?organization__id__exact={globex.organization.pk}&kind__exact=create") == both[1:]


def test_the_number_of_queries_of_a_list_does_not_depend_on_its_length(
    acme: NewOrganization, staff: Client, django_assert_max_num_queries: Any
) -> None:
    for _ in range(20):
        make_operation(creator=acme.person, import_=make_import(creator=acme.person))

    with django_assert_max_num_queries(12):
        assert len(listed(staff)) == 20


def test_the_page_of_an_operation_shows_its_progress_and_its_errors(acme: NewOrganization, staff: Client) -> None:
    operation = queue(acme, Kind.IMPORT, create(acme))
    with claimed(operation):
        Progress.objects.update(phase="writing", done=1, total=2, worker="node-1:4711")
        page = read(staff, url_of(operation))
    assert all(text in page for text in ("running", "1 of 2 rows, writing", "node-1:4711", f"/{operation.pk}/cancel/"))

    refused = queue(acme, Kind.CREATE, import_data=ROWS)
    Operation.objects.filter(pk=refused.pk).update(
        status="failed",
        finished_at="2100-01-01T00:00:00Z",
        errors=[{"code": "conflict", "detail": SCRIPT, "attribute": None, "meta": None}],
    )
    page = read(staff, url_of(refused))
    assert SCRIPT not in page
    assert "&lt;script&gt;" in page
    assert f"/{refused.pk}/cancel/" not in page


def test_the_page_of_an_import_shows_that_it_is_running_and_leads_to_its_operations(
    acme: NewOrganization, staff: Client
) -> None:
    import_, other = create(acme), make_import(creator=acme.person)
    operation = queue(acme, Kind.IMPORT, import_)

    with claimed(operation):
        Progress.objects.update(phase="checking", done=1, total=2)
        page = read(staff, url_of(import_))

    assert f"running: operation {operation.pk}: checking, 1 of 2 rows" in page
    assert f'href="{LIST}?import_record__id__exact={import_.pk}"' in page
    assert f"{LIST}?import_record" not in read(staff, url_of(other))
    assert re.search(r">\s*created\s*<", read(staff, url_of(other)))


def test_operations_cannot_be_added_edited_or_deleted(acme: NewOrganization, staff: Client) -> None:
    operation = queue(acme, Kind.CREATE, import_data=ROWS)

    assert staff.get(f"{LIST}add/").status_code == 403
    assert staff.post(url_of(operation), {"kind": "revert"}).status_code == 403
    assert staff.post(f"{LIST}{operation.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "delete_selected" not in read(staff, LIST)


def test_operators_cancel_with_the_button_and_with_the_action(acme: NewOrganization) -> None:
    operations = [queue(acme, Kind.CREATE, import_data=ROWS) for _ in range(3)]
    client = log_in_staff(codename__in=["view_operation", "cancel_operation"])

    pressed = client.post(f"{LIST}{operations[0].pk}/cancel/", follow=True)
    acted = client.post(
        LIST, {"action": "cancel_selected", "_selected_action": [each.pk for each in operations[:2]]}, follow=True
    )

    assert messages_of(pressed) == [f"Cancelled operation {operations[0].pk}."]
    assert messages_of(acted) == [
        f"Operation {operations[0].pk}: The operation is in status 'cancelled' and cannot be cancelled.",
        f"Cancelled operation {operations[1].pk}.",
    ]
    statuses = Operation.objects.order_by("id").values_list("status", flat=True)
    assert list(statuses) == [Status.CANCELLED, Status.CANCELLED, Status.QUEUED]
    assert run_next() is True


def test_support_looks_and_does_not_cancel(acme: NewOrganization) -> None:
    operation = queue(acme, Kind.CREATE, import_data=ROWS)
    client = log_in_staff(codename="view_operation")

    assert listed(client) == [str(operation.pk)]
    assert f"/{operation.pk}/cancel/" not in read(client, url_of(operation))
    assert client.post(f"{LIST}{operation.pk}/cancel/").status_code == 403
    client.post(LIST, {"action": "cancel_selected", "_selected_action": [operation.pk]})
    operation.refresh_from_db()
    assert operation.status == Status.QUEUED


def test_the_button_needs_an_operation_and_a_post(acme: NewOrganization, staff: Client) -> None:
    operation = queue(acme, Kind.CREATE, import_data=ROWS)

    assert staff.get(f"{LIST}{operation.pk}/cancel/").status_code == 405
    assert staff.post(f"{LIST}{operation.pk + 1}/cancel/").status_code == 404
    assert Client().post(f"{LIST}{operation.pk}/cancel/").status_code == 302
    operation.refresh_from_db()
    assert operation.status == Status.QUEUED
