"""One organization's imports keep no other organization waiting, on the service as it is served by default."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from importsvc.environment.variables import WEB_CONCURRENCY
from importsvc.imports.models import Import, ImportState
from importsvc.imports.selectors import is_in_use
from people.services import NewOrganization
from tests.client import error_document
from tests.imports.steps import stage
from tests.service import Reply, Service, psql, run_service

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("fair_share")]

ADVICE = "; try again later, or send it with 'Prefer: respond-async'"
BUSY = error_document(
    503, "service_unavailable", f"The service is busy with other imports, reverts and large requests{ADVICE}"
)
WAITED = error_document(
    503,
    "service_unavailable",
    f"Another transaction has held records of this organization for 2 seconds{ADVICE}",
)
IN_USE = error_document(409, "conflict", "The import is being updated, run or reverted at this moment")

# Seconds within which other organizations get a response. An idle service takes some 10 ms.
PROMPT = 1.0


@pytest.fixture(scope="module")
def running(django_db_setup: None) -> Iterator[Service]:
    with run_service(LOCK_TIMEOUT_SECONDS="2", WEB_CONCURRENCY=str(WEB_CONCURRENCY.default)) as running:
        yield running


@pytest.fixture
def service(running: Service, globex: NewOrganization) -> Service:
    with ThreadPoolExecutor(16) as pool:
        # The first request to a process takes a second.
        list(pool.map(lambda _: running.send(globex, "GET", "imports"), range(32)))
    return running


def stage_people(caller: NewOrganization, count: int, name: str = "p") -> Import:
    return stage(caller, {"person": [{"first_name": "Ann", "email": f"{name}{n}@acme.test"} for n in range(count)]})


def run(service: Service, caller: NewOrganization, import_: Import) -> Reply:
    return service.send(caller, "POST", f"imports/{import_.pk}/import")


def watch(service: Service, other: NewOrganization, until: Any) -> int:
    """Use the service as another organization, and require prompt responses; the number of rounds."""
    rounds = 0
    while not until():
        body = json.dumps(
            {"data": {"type": "imports", "attributes": {"import_data": {"company": [{"name": f"Blues {rounds}"}]}}}}
        )
        created = service.send(other, "POST", "imports", body.encode())
        replies = [
            created,
            service.send(other, "POST", f"imports/{created.document['data']['id']}/import"),
            service.send(other, "GET", f"people/{other.person.pk}"),
        ]
        assert [reply.status for reply in replies] == [201, 200, 200]
        assert max(reply.seconds for reply in replies) < PROMPT
        rounds += 1
    return rounds


def are_done(futures: list[Future[Reply]]) -> bool:
    return all(future.done() for future in futures)


def test_a_large_import_and_nine_tiny_ones_behind_it_keep_no_other_organization_waiting(
    acme: NewOrganization, globex: NewOrganization, service: Service
) -> None:
    large = stage_people(acme, 100_000)
    tiny = [stage_people(acme, 1, f"tiny{number}-") for number in range(9)]

    with ThreadPoolExecutor(16) as pool:
        running = pool.submit(run, service, acme, large)
        while not is_in_use(organization_id=acme.organization.pk, import_id=large.pk):
            assert not running.done()
        behind = [pool.submit(run, service, acme, import_) for import_ in tiny]
        rounds = watch(service, globex, lambda: are_done([running, *behind]))

    assert rounds > 1
    assert running.result().status == 200
    for future in behind:
        reply = future.result()
        assert reply.status == 200 or (reply.document, reply.headers["Retry-After"]) in [(BUSY, "5"), (WAITED, "5")]
    assert any(future.result().document == BUSY for future in behind)
    # Whatever was refused can be done later.
    for import_ in tiny:
        run(service, acme, import_)
    assert {import_.state for import_ in Import.objects.all()} == {ImportState.PROCESSED}


def test_ten_imports_behind_a_row_that_psql_has_locked_end_soon_and_keep_no_other_organization_waiting(
    acme: NewOrganization, globex: NewOrganization, service: Service
) -> None:
    imports = [stage_people(acme, 1, f"tiny{number}-") for number in range(10)]

    with psql(f"SELECT FROM organizations_organization WHERE id = {acme.organization.pk} FOR UPDATE"):
        with ThreadPoolExecutor(16) as pool:
            futures = [pool.submit(run, service, acme, import_) for import_ in imports]
            rounds = watch(service, globex, lambda: are_done(futures))
        replies = [future.result() for future in futures]

    assert rounds > 1
    assert {reply.status for reply in replies} == {503}
    assert all(reply.document in (BUSY, WAITED) for reply in replies)
    assert all(reply.headers["Retry-After"] == "5" for reply in replies)
    assert [reply.document for reply in replies].count(WAITED) >= 1
    # Two locks: PostgreSQL also lets transactions queue for a row.
    assert max(reply.seconds for reply in replies) < 2 * 2 + PROMPT
    assert run(service, acme, imports[0]).status == 200


@pytest.mark.one_server("locks are those of a node, which the coordinator does not know")
def test_retries_of_an_import_that_runs_are_conflicts_at_once(
    acme: NewOrganization, globex: NewOrganization, service: Service
) -> None:
    import_ = stage_people(acme, 5_000)
    # The import waits for this row, which takes an address of it.
    taken = (
        "INSERT INTO people_person SELECT (p).* FROM (SELECT jsonb_populate_record(person, jsonb_build_object("
        "'id', nextval('people_person_id_seq'), 'email', 'p4999@acme.test')) AS p FROM people_person AS person "
        f"WHERE id = {acme.person.pk}) AS changed"
    )

    with psql(taken), ThreadPoolExecutor(16) as pool:
        running = pool.submit(run, service, acme, import_)
        while not is_in_use(organization_id=acme.organization.pk, import_id=import_.pk):
            assert not running.done()
        retry = partial(run, service, acme, import_)
        key: dict[str, Any] = {"Idempotency-Key": "again"}
        keyed = partial(service.send, acme, "POST", f"imports/{import_.pk}/import", **key)
        began = time.monotonic()
        replies = [future.result() for future in [pool.submit(send) for send in [retry] * 6 + [keyed] * 2]]
        took = time.monotonic() - began
        assert not running.done()

    assert took < PROMPT
    assert [(reply.status, reply.document) for reply in replies] == [(409, IN_USE)] * 8 or {
        json.dumps(reply.document) for reply in replies
    } <= {
        json.dumps(IN_USE),
        json.dumps(error_document(409, "conflict", "A request with this Idempotency-Key is still running")),
    }
    assert all("Retry-After" in reply.headers for reply in replies)
    assert (running.result().status, running.result().document) == (503, WAITED)
    assert run(service, acme, import_).status == 200
