"""Requests that may take long are refused while the process has no slot for them, before their body is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from importsvc.http import slots
from importsvc.http.slots import SHORT_BYTES, Slots
from importsvc.idempotency.models import IdempotencyKey
from importsvc.imports import selectors
from importsvc.imports.models import Import
from people.services import NewOrganization
from tests.admin_pages import messages_of, url_of
from tests.builders import PUBLISHED_ROWS
from tests.client import ApiClient, assert_error
from tests.imports.steps import import_rows, stage
from tests.snapshots import take_snapshot

pytestmark = pytest.mark.django_db

BUSY = "The service is busy with other imports, reverts and large requests"
REFUSED_WRITE = (503, "service_unavailable", f"{BUSY}; try again later, or send it with 'Prefer: respond-async'")
REFUSED_READ = (503, "service_unavailable", f"{BUSY}; try again later")

ROWS = json.dumps({"data": {"type": "imports", "attributes": {"import_data": PUBLISHED_ROWS}}})
LARGE_ROWS = {"company": [{"name": f"Reds {number}", "description": "x" * 60_000} for number in range(5)]}


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slots]:
    """A process with two threads, one of which does a long request of another organization for a while."""
    full = Slots(2)
    monkeypatch.setattr(slots, "SLOTS", full)
    monkeypatch.setattr(slots, "STUCK_AFTER_SECONDS", 0)
    with full.take("another", is_long=True):
        yield full


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "imports"),
        ("PATCH", "imports/{staged}"),
        ("POST", "imports/{staged}/import"),
        ("PATCH", "imports/{made}/revert"),
    ],
)
@pytest.mark.parametrize("is_keyed", [False, True])
def test_a_request_that_writes_is_refused_whole_and_leaves_nothing(
    acme: NewOrganization, full: Slots, method: str, path: str, is_keyed: bool
) -> None:
    api = ApiClient(acme, **({"Idempotency-Key": "again"} if is_keyed else {}))
    staged, made = stage(acme, PUBLISHED_ROWS), import_rows(acme, {"person": [{"first_name": "Bob"}]})
    api.get("imports")  # moves last_seen_at
    before = take_snapshot()

    response = api.request(method, path.format(staged=staged.pk, made=made.pk), ROWS)

    assert_error(response, *REFUSED_WRITE)
    assert response.headers["Retry-After"] == "5"
    assert take_snapshot() == before
    assert not IdempotencyKey.objects.exists()


def test_a_body_is_not_read_before_there_is_a_slot(
    api: ApiClient, full: Slots, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: Any) -> bytes:
        raise AssertionError

    monkeypatch.setattr("django.test.client.FakePayload.read", read)

    assert_error(api.request("POST", "imports", "x" * SHORT_BYTES * 2), *REFUSED_WRITE)


def test_only_previews_of_large_imports_need_a_slot(acme: NewOrganization, api: ApiClient, full: Slots) -> None:
    small, large = stage(acme, PUBLISHED_ROWS), stage(acme, LARGE_ROWS)

    responses = [api.request("GET", f"imports/{import_.pk}/import") for import_ in (small, large)]

    assert responses[0].status_code == 200
    assert_error(responses[1], *REFUSED_READ)
    assert responses[1].headers["Retry-After"] == "5"


def test_lists_and_records_need_no_slot(acme: NewOrganization, api: ApiClient, full: Slots) -> None:
    import_ = stage(acme, LARGE_ROWS)

    for path in ("imports", f"imports/{import_.pk}", f"imports/{import_.pk}/changes", "people", "companies"):
        assert api.get(path).status_code == 200


def test_a_short_request_finds_a_slot_beside_long_ones_and_a_large_import_does_not(
    acme: NewOrganization, api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "SLOTS", Slots(4))
    small, large = stage(acme, PUBLISHED_ROWS), stage(acme, LARGE_ROWS)

    with slots.SLOTS.take("one", is_long=True), slots.SLOTS.take("other", is_long=True):
        refused = api.request("POST", f"imports/{large.pk}/import")
        with_rows = api.send_import("POST", f"imports/{small.pk}/import", import_data=LARGE_ROWS)
        created = api.send_import("POST", "imports", import_data=LARGE_ROWS)
        done = api.request("POST", f"imports/{small.pk}/import")

    for response in (refused, with_rows, created):
        assert_error(response, *REFUSED_WRITE)
    assert done.status_code == 200
    assert api.request("POST", f"imports/{large.pk}/import").status_code == 200


def test_an_import_that_does_not_exist_is_not_found_with_a_slot(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "SLOTS", Slots(2))

    for import_id in ("0", "x", "999"):
        response = api.request("POST", f"imports/{import_id}/import")
        assert_error(response, 404, "record_not_found", "The requested record was not found")


def test_an_import_in_use_is_a_conflict_also_without_a_slot(
    acme: NewOrganization, api: ApiClient, full: Slots, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_ = stage(acme, PUBLISHED_ROWS)
    in_use = {"organization_id": acme.organization.pk, "import_id": import_.pk}
    monkeypatch.setattr(selectors, "is_in_use", lambda **given: given == in_use)

    response = api.request("POST", f"imports/{import_.pk}/import")

    assert_error(response, 409, "conflict", "The import is being updated, run or reverted at this moment")
    assert response.headers["Retry-After"] == "5"


def test_a_slot_is_free_again_after_a_refusal(
    acme: NewOrganization, api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "SLOTS", Slots(2))

    for _ in "123":
        assert api.send_import("POST", "imports", import_data={}).status_code == 422
    assert api.send_import("POST", "imports", import_data=PUBLISHED_ROWS).status_code == 201


def test_staff_without_a_slot_are_told_to_try_again(acme: NewOrganization, admin_client: Client, full: Slots) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)

    for response in (
        admin_client.get(url_of(import_, "revert"), follow=True),
        admin_client.post(url_of(import_, "revert"), {"on_conflict": "refuse"}, follow=True),
    ):
        assert response.redirect_chain == [("/admin/imports/import/", 302)]
        assert messages_of(response) == [f"{BUSY}. Try again later."]
    assert Import.objects.get(pk=import_.pk).reverted_at is None
