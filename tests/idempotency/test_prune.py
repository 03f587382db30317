"""``prune`` deletes expired idempotency keys only, and neither waits nor makes a request wait."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from importsvc.idempotency import services
from importsvc.idempotency.models import IdempotencyKey
from importsvc.idempotency.services import StoredResponse
from importsvc.management.commands.prune import Command
from organizations.models import Organization
from people.services import NewOrganization
from tests.builders import make_organization
from tests.interleaving import Gate, threads

NOW = StoredResponse(200, {}, b"now")
REPLAY = StoredResponse(200, {}, b"now", is_replay=True)


def store(organization: Organization, key: str, *, hours: float = 0) -> None:
    """A key that is so many hours old."""
    IdempotencyKey.objects.create(
        organization=organization,
        key=key,
        fingerprint="same",
        status=200,
        headers={},
        body=b"then",
        created_at=timezone.now() - timedelta(hours=hours),
    )


def run(organization: Organization, key: str) -> StoredResponse:
    def refuse(error: Exception) -> StoredResponse:
        raise error

    return services.run_idempotent(
        organization=organization, key=key, fingerprint="same", work=lambda: NOW, refuse=refuse
    )


def prune(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The line of the command's output that is about keys."""
    call_command("prune", *arguments)
    printed = capsys.readouterr()
    assert printed.err == ""
    (line,) = [line for line in printed.out.splitlines(keepends=True) if "idempotency key" in line]
    return line


def stored() -> list[str]:
    return sorted(IdempotencyKey.objects.values_list("key", flat=True))


def test_expired_keys_of_every_organization_are_deleted(
    acme: NewOrganization, capsys: pytest.CaptureFixture[str]
) -> None:
    globex = make_organization()
    for organization in acme.organization, globex.organization:
        store(organization, "new")
        store(organization, "nearly", hours=47.99)
        store(organization, "over", hours=48)
        store(organization, "long over", hours=10_000)

    assert prune(capsys, "--dry-run") == "Would remove 4 idempotency keys older than 48 hours\n"
    assert IdempotencyKey.objects.count() == 8
    assert prune(capsys) == "Removed 4 idempotency keys older than 48 hours\n"
    assert stored() == ["nearly", "nearly", "new", "new"]
    assert prune(capsys) == "Removed 0 idempotency keys older than 48 hours\n"


def test_the_age_is_a_setting(acme: NewOrganization, capsys: pytest.CaptureFixture[str], settings: Settings) -> None:
    settings.IDEMPOTENCY_KEY_HOURS = 1
    store(acme.organization, "over", hours=1)
    store(acme.organization, "new", hours=0.9)

    assert prune(capsys) == "Removed 1 idempotency key older than 1 hour\n"
    assert stored() == ["new"]


@pytest.mark.parametrize(("count", "statements"), [(0, 0), (2, 1), (3, 1), (4, 2), (7, 3)])
def test_no_statement_deletes_more_than_the_limit(
    acme: NewOrganization, monkeypatch: pytest.MonkeyPatch, count: int, statements: int
) -> None:
    monkeypatch.setattr(services, "PRUNED_AT_ONCE", 3)
    for number in range(count):
        store(acme.organization, str(number), hours=100 - number)
    store(acme.organization, "new")

    with CaptureQueriesContext(connection) as queries:
        assert services.prune() == count

    deletes = [query for query in queries if query["sql"].startswith("DELETE")]
    assert len(deletes) == statements
    assert stored() == ["new"]


@pytest.mark.django_db(transaction=True)
def test_a_key_that_a_request_is_writing_is_skipped_without_waiting(
    acme: NewOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(acme.organization, "again", hours=50)
    store(acme.organization, "over", hours=50)
    gate = Gate(monkeypatch, services, "_store", after=True)

    with threads() as background:
        running = background.start(lambda: run(acme.organization, "again"))
        gate.wait()
        assert services.prune() == 1
        gate.open()

    assert running.result() == NOW
    assert services.prune() == 0
    assert run(acme.organization, "again") == REPLAY


@pytest.mark.django_db(transaction=True)
def test_a_key_that_is_being_deleted_can_be_used_by_a_new_request(acme: NewOrganization) -> None:
    store(acme.organization, "again", hours=50)

    with threads() as background, transaction.atomic():
        assert services.prune() == 1
        running = background.start_blocked(lambda: run(acme.organization, "again"))

    assert running.result() == NOW
    assert stored() == ["again"]


def test_the_keys_of_a_deleted_organization_are_deleted(db: None) -> None:
    organization = Organization.objects.create(name="Acme")
    store(organization, "a")

    organization.delete()

    assert stored() == []


@pytest.mark.parametrize("arguments", [["1"], ["--wet-run"]])
def test_bad_usage_exits_with_2(arguments: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    parser = Command().create_parser("manage.py", "prune")
    parser.called_from_command_line = True
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(arguments)
    assert caught.value.code == 2
    assert "usage: " in capsys.readouterr().err
