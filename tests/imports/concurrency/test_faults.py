"""A connection that ends at any statement changes nothing, and a retry of the request does the work once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.http import HttpResponse

from importsvc.imports.models import Import, ImportState
from people import authentication
from people.models import Person
from tests.builders import make_company, make_person
from tests.client import ApiClient, document_of, is_replay
from tests.faults import fault_at
from tests.snapshots import take_snapshot

pytestmark = pytest.mark.django_db(transaction=True)

# The parts of a response that differ between imports.
OWN = ("id", "started_at", "processed_at", "reverted_at")


def rows_of(number: int) -> dict[str, Any]:
    return {
        "company": [{"name": f"Greens {number}"}, {"name": f"Reds {number}", "due_days": 7}],
        "person": [
            {"email": f"ann{number}@acme.test", "title": "Chief", "company": f"Greens {number}"},
            {"first_name": "Bob", "email": f"bob{number}@acme.test", "company": f"Reds {number}"},
        ],
    }


def stage(api: ApiClient, number: int) -> str:
    """An import that will create a company and a person and update a company and a person."""
    reds = make_company(organization=api.caller.organization, name=f"Reds {number}")
    make_person(organization=api.caller.organization, email=f"ann{number}@acme.test", title="Boss", company=reds)
    response = api.send_import("POST", "imports", import_data=rows_of(number), on_duplicate="update")
    return str(document_of(response)["data"]["id"])


def prepare_run(api: ApiClient, number: int) -> Callable[[], HttpResponse]:
    import_id = stage(api, number)
    return lambda: api.request("POST", f"imports/{import_id}/import", headers={"Idempotency-Key": import_id})


def prepare_fast_run(api: ApiClient, number: int) -> Callable[[], HttpResponse]:
    import_id = api.stage(rows_of(number) | {"person": [{"first_name": "Cid", "company": f"Reds {number}"}]})
    return lambda: api.request("POST", f"imports/{import_id}/import", headers={"Idempotency-Key": import_id})


def prepare_revert(api: ApiClient, number: int) -> Callable[[], HttpResponse]:
    import_id = stage(api, number)
    assert api.request("POST", f"imports/{import_id}/import").status_code == 200
    return lambda: api.request("PATCH", f"imports/{import_id}/revert", headers={"Idempotency-Key": import_id})


def prepare_keeping_revert(api: ApiClient, number: int) -> Callable[[], HttpResponse]:
    revert_all = prepare_revert(api, number)
    Person.objects.filter(email=f"bob{number}@acme.test").update(title="New")
    Person.objects.filter(email=f"ann{number}@acme.test").update(title="New")
    assert revert_all().status_code == 409
    import_id = str(Import.objects.order_by("-id")[0].pk)
    body = '{"data": {"type": "imports", "attributes": {"on_conflict": "keep"}}}'
    headers = {"Idempotency-Key": f"keep {import_id}"}
    return lambda: api.request("PATCH", f"imports/{import_id}/revert", body, headers=headers)


@pytest.mark.parametrize(
    ("prepare", "state", "at_least"),
    [
        (prepare_run, ImportState.PROCESSED, 25),
        (prepare_fast_run, ImportState.PROCESSED, 20),
        (prepare_revert, ImportState.REVERTED, 25),
        (prepare_keeping_revert, ImportState.REVERTED, 30),
    ],
)
def test_wherever_the_connection_ends_nothing_has_changed_and_a_retry_does_the_work_once(
    api: ApiClient,
    monkeypatch: pytest.MonkeyPatch,
    prepare: Callable[[ApiClient, int], Callable[[], HttpResponse]],
    state: ImportState,
    at_least: int,
) -> None:
    # The test can take longer than a minute, after which last_seen_at moves again.
    monkeypatch.setattr(authentication, "LAST_SEEN_INTERVAL", timedelta(days=1))
    api.get("imports")
    answers = []
    for number in count(1):
        send = prepare(api, number)
        before = take_snapshot()

        with fault_at(number) as fault:
            response = send()

        if not fault.has_struck:
            break
        assert response.status_code == 503
        assert take_snapshot() == before
        retried = send()
        assert (retried.status_code, is_replay(retried)) == (200, False)
        after = take_snapshot()
        replayed = send()
        assert (replayed.content, is_replay(replayed)) == (retried.content, True)
        assert take_snapshot() == after != before
        assert Import.objects.order_by("-id")[0].state == state
        answers.append(without_own(document_of(retried)))

    assert response.status_code == 200
    assert number > at_least
    assert answers == [without_own(document_of(response))] * (number - 1)


def without_own(document: Any) -> Any:
    """The response without the parts that differ between imports."""
    data = document["data"]
    attributes = {name: value for name, value in data["attributes"].items() if name not in OWN}
    return {**document, "data": {**data, "id": None, "attributes": attributes}}
