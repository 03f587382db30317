"""Concurrent requests with keys, and lost connections: one response, and all of its work or none."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse

from companies.models import Company
from importsvc.engine.apply import write as write_module
from importsvc.engine.apply.write import RecordWriter
from importsvc.idempotency import services as idempotency
from importsvc.idempotency.models import IdempotencyKey
from importsvc.imports.models import Import, ImportState
from people.models import Person
from tests.builders import PUBLISHED_ROWS, make_organization, make_person
from tests.client import ApiClient, assert_error, is_replay
from tests.interleaving import Gate, ask, threads
from tests.snapshots import take_snapshot

pytestmark = pytest.mark.django_db(transaction=True)

RUNNING = (409, "conflict", "A request with this Idempotency-Key is still running")
BOB_AND_ANN = {
    "person": [{"first_name": name, "email": f"{name.lower()}@acme.test"} for name in ("Bob", "Ann")],
}


def run(api: ApiClient, import_id: str, **headers: str) -> HttpResponse:
    return api.request("POST", f"imports/{import_id}/import", headers=headers)


def taken(*rows: int) -> dict[str, Any]:
    message = "Email has already been taken"
    return {"person": [{"row": row, "column": "email", "messages": [message]} for row in rows]}


@pytest.mark.parametrize("after", [False, True])
def test_a_duplicate_is_refused_while_the_request_runs_and_replayed_afterwards(
    api: ApiClient, keyed: ApiClient, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    import_id = api.stage(PUBLISHED_ROWS)
    gate = Gate(monkeypatch, RecordWriter, "write", after=after)

    with threads() as background:
        running = background.start(lambda: run(keyed, import_id))
        gate.wait()
        meanwhile = run(keyed, import_id)
        otherwise = keyed.send_import("POST", "imports", import_data={})
        gate.open()

    assert_error(meanwhile, *RUNNING)
    assert meanwhile.headers["Retry-After"] == "1"
    assert_error(otherwise, *RUNNING)
    again = run(keyed, import_id)
    assert (running.result().status_code, is_replay(running.result())) == (200, False)
    assert (again.status_code, is_replay(again), again.content) == (200, True, running.result().content)
    assert ask("SELECT count(*) FROM changelog_anychange") == 2


def test_two_concurrent_requests_are_done_once(api: ApiClient, keyed: ApiClient) -> None:
    for number in range(5):
        keyed.headers["Idempotency-Key"] = f"key {number}"
        before = Import.objects.count()

        with threads() as background:
            futures = [
                background.start(lambda: keyed.send_import("POST", "imports", import_data=PUBLISHED_ROWS))
                for _ in "1234"
            ]
        responses = [future.result() for future in futures]

        done = [response for response in responses if response.status_code == 201 and not is_replay(response)]
        assert len(done) == 1
        for response in responses:
            if response.status_code == 409:
                assert_error(response, *RUNNING)
            else:
                assert response.content == done[0].content
        assert Import.objects.count() == before + 1


def test_the_same_key_of_another_organization_is_not_waited_for(
    api: ApiClient, keyed: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ApiClient(make_organization(), **{"Idempotency-Key": "again"})
    import_id = api.stage(PUBLISHED_ROWS)
    gate = Gate(monkeypatch, RecordWriter, "write")

    with threads() as background:
        running = background.start(lambda: run(keyed, import_id))
        gate.wait()
        assert other.send_import("POST", "imports", import_data=PUBLISHED_ROWS).status_code == 201
        gate.open()

    assert running.result().status_code == 200


def test_two_keys_for_one_import_are_two_requests_and_the_second_is_refused(
    api: ApiClient, keyed: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = api.stage(PUBLISHED_ROWS)
    gate = Gate(monkeypatch, RecordWriter, "write")

    with threads() as background:
        first = background.start(lambda: run(keyed, import_id))
        gate.wait()
        second = background.start(lambda: run(keyed, import_id, **{"Idempotency-Key": "other"})).result(20)
        gate.open()

    assert first.result().status_code == 200
    assert_error(second, 409, "conflict", "The import is being updated, run or reverted at this moment")
    assert second.headers["Retry-After"] == "5"
    # That was not stored; this is.
    for is_replayed in (False, True):
        again = run(keyed, import_id, **{"Idempotency-Key": "other"})
        assert_error(again, 409, "conflict", "The import is in state 'processed' and cannot be imported")
        assert is_replay(again) == is_replayed
        assert "Retry-After" not in again.headers
    assert ask("SELECT count(*) FROM changelog_anychange") == 2


@pytest.mark.parametrize("lost", ["during the work", "after the work", "before the commit"])
def test_a_connection_that_is_lost_leaves_neither_work_nor_key_and_a_retry_does_it(
    api: ApiClient, keyed: ApiClient, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    import_id = api.stage(PUBLISHED_ROWS)
    before = take_snapshot()
    with monkeypatch.context() as patched:
        gate = {
            "during the work": lambda: Gate(patched, write_module, "copy_rows", after=True),
            "after the work": lambda: Gate(patched, idempotency, "_store"),
            "before the commit": lambda: Gate(patched, idempotency, "_store", after=True),
        }[lost]()

        with threads() as background:
            running = background.start(lambda: run(keyed, import_id))
            gate.wait()
            assert ask("SELECT pg_terminate_backend(%s)", gate.backend_id)
            gate.open()

    detail = "The database cannot be used at this moment; try again later"
    assert_error(running.result(), 503, "service_unavailable", detail)
    assert take_snapshot() == before

    response = run(keyed, import_id)
    assert (response.status_code, is_replay(response)) == (200, False)
    again = run(keyed, import_id)
    assert (again.status_code, is_replay(again), again.content) == (200, True, response.content)
    assert ask("SELECT count(*) FROM changelog_anychange") == 2


def test_a_concurrent_insert_of_the_same_address_is_refused_and_the_refusal_is_stored(
    api: ApiClient, keyed: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = api.stage(BOB_AND_ANN)
    gate = Gate(monkeypatch, RecordWriter, "write")

    with threads() as background:
        running = background.start(lambda: run(keyed, import_id))
        gate.wait()
        make_person(organization=api.caller.organization, email="Ann@Acme.test")
        gate.open()

    source = {"pointer": "data/attributes/import_data"}
    assert_error(running.result(), 422, "invalid_attribute", taken(2), source=source)
    Person.objects.filter(email="Ann@Acme.test").delete()
    again = run(keyed, import_id)
    assert_error(again, 422, "invalid_attribute", taken(2), source=source)
    assert is_replay(again)
    assert run(keyed, import_id, **{"Idempotency-Key": "other"}).status_code == 200


def run_patiently(keyed: ApiClient, import_id: str) -> HttpResponse:
    """Run with a deadlock timeout that is long enough for the other connection to complete the cycle."""
    ask("SELECT set_config('deadlock_timeout', '3s', false)")
    return run(keyed, import_id)


@pytest.mark.parametrize("committed", [True, False])
def test_a_deadlock_is_resolved_and_the_work_is_retried(api: ApiClient, keyed: ApiClient, committed: bool) -> None:
    import_id = api.stage(BOB_AND_ANN)

    with threads() as background, transaction.atomic():
        ask("SELECT set_config('deadlock_timeout', '60s', true)")
        make_person(organization=api.caller.organization, email="ann@acme.test")
        # The run has written Bob and waits for Ann.
        running = background.start_blocked(lambda: run_patiently(keyed, import_id))
        make_person(organization=api.caller.organization, email="bob@acme.test")
        transaction.set_rollback(not committed)

    if committed:
        source = {"pointer": "data/attributes/import_data"}
        assert_error(running.result(), 422, "invalid_attribute", taken(1, 2), source=source)
    else:
        assert running.result().status_code == 200, running.result().content
    assert Person.objects.filter(email="ann@acme.test").count() == 1
    again = run(keyed, import_id)
    assert (is_replay(again), again.content) == (True, running.result().content)
    state = Import.objects.get(pk=import_id).state
    assert state == (ImportState.CREATED if committed else ImportState.PROCESSED)


def test_a_company_deleted_meanwhile_is_an_error_of_its_row(
    api: ApiClient, keyed: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = Company.objects.create(organization=api.caller.organization, name="Reds")
    import_id = api.stage({"person": [{"first_name": "Ann", "company": "Reds"}]})
    gate = Gate(monkeypatch, RecordWriter, "write")

    with threads() as background:
        running = background.start(lambda: run(keyed, import_id))
        gate.wait()
        company.delete()
        gate.open()

    detail = {"person": [{"row": 1, "column": "company", "messages": ["Company must exist"]}]}
    source = {"pointer": "data/attributes/import_data"}
    assert_error(running.result(), 422, "invalid_attribute", detail, source=source)


def test_the_work_and_its_key_become_visible_at_the_same_moment(
    api: ApiClient, keyed: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"imports/{api.run(PUBLISHED_ROWS)}"
    gate = Gate(monkeypatch, idempotency, "_store", after=True)

    with threads() as background:
        reverting = background.start(lambda: keyed.request("PATCH", f"{path}/revert"))
        gate.wait()
        assert Company.objects.filter(name="Import").exists()
        assert not IdempotencyKey.objects.exists()
        gate.open()

    assert reverting.result().status_code == 200
    assert not Company.objects.filter(name="Import").exists()
    assert IdempotencyKey.objects.get().key == "again"
