"""Operators remove keys whose time is over; nobody waits for that, and no other key goes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from importsvc.answers import Answer
from importsvc.idempotency import services
from importsvc.idempotency.models import IdempotencyKey
from importsvc.management.commands.prune import Command
from organizations.models import Organization
from people.services import NewOrganization
from tests.builders import make_organization
from tests.interleaving import Gate, threads


def keep(organization: Organization, key: str, *, hours: float = 0) -> None:
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


def settle(organization: Organization, key: str) -> services.Settled:
    def refuse(error: Exception) -> Answer:
        raise error

    return services.settle_once(
        organization=organization, key=key, fingerprint="same", work=lambda: Answer(200, {}, b"now"), refuse=refuse
    )


def prune(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the command prints."""
    call_command("prune", *arguments)
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out


def kept() -> list[str]:
    return sorted(IdempotencyKey.objects.values_list("key", flat=True))


def test_keys_go_when_their_time_is_over_of_whatever_organization(
    acme: NewOrganization, capsys: pytest.CaptureFixture[str]
) -> None:
    globex = make_organization()
    for organization in acme.organization, globex.organization:
        keep(organization, "new")
        keep(organization, "nearly", hours=47.99)
        keep(organization, "over", hours=48)
        keep(organization, "long over", hours=10_000)

    assert prune(capsys, "--dry-run") == "Would remove 4 idempotency keys older than 48 hours\n"
    assert IdempotencyKey.objects.count() == 8
    assert prune(capsys) == "Removed 4 idempotency keys older than 48 hours\n"
    assert kept() == ["nearly", "nearly", "new", "new"]
    assert prune(capsys) == "Removed 0 idempotency keys older than 48 hours\n"


def test_the_time_is_a_setting(acme: NewOrganization, capsys: pytest.CaptureFixture[str], settings: Settings) -> None:
    settings.IDEMPOTENCY_KEY_HOURS = 1
    keep(acme.organization, "over", hours=1)
    keep(acme.organization, "new", hours=0.9)

    assert prune(capsys) == "Removed 1 idempotency key older than 1 hour\n"
    assert kept() == ["new"]


@pytest.mark.parametrize(("count", "statements"), [(0, 0), (2, 1), (3, 1), (4, 2), (7, 3)])
def test_no_statement_removes_more_than_so_many(
    acme: NewOrganization, monkeypatch: pytest.MonkeyPatch, count: int, statements: int
) -> None:
    monkeypatch.setattr(services, "PRUNED_AT_ONCE", 3)
    for number in range(count):
        keep(acme.organization, str(number), hours=100 - number)
    keep(acme.organization, "new")

    with CaptureQueriesContext(connection) as queries:
        assert services.prune() == count

    deletes = [query for query in queries if query["sql"].startswith("DELETE")]
    assert len(deletes) == statements
    assert kept() == ["new"]


@pytest.mark.django_db(transaction=True)
def test_a_key_that_is_being_given_to_a_new_request_is_neither_waited_for_nor_removed(
    acme: NewOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(acme.organization, "again", hours=50)
    keep(acme.organization, "over", hours=50)
    gate = Gate(monkeypatch, services, "_keep", after=True)

    with threads() as others:
        settling = others.start(lambda: settle(acme.organization, "again"))
        gate.wait()
        assert services.prune() == 1
        gate.open()

    assert settling.result() == (Answer(200, {}, b"now"), False)
    assert services.prune() == 0
    assert settle(acme.organization, "again") == (Answer(200, {}, b"now"), True)


@pytest.mark.django_db(transaction=True)
def test_a_key_that_is_being_removed_can_be_given_to_a_new_request(acme: NewOrganization) -> None:
    keep(acme.organization, "again", hours=50)

    with threads() as others, transaction.atomic():
        assert services.prune() == 1
        settling = others.start_blocked(lambda: settle(acme.organization, "again"))

    assert settling.result() == (Answer(200, {}, b"now"), False)
    assert kept() == ["again"]


def test_keys_go_with_their_organization(db: None) -> None:
    organization = Organization.objects.create(name="Acme")
    keep(organization, "a")

    organization.delete()

    assert kept() == []


@pytest.mark.parametrize("arguments", [["1"], ["--wet-run"]])
def test_bad_usage_exits_with_2(arguments: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    parser = Command().create_parser("manage.py", "prune")
    parser.called_from_command_line = True
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(arguments)
    assert caught.value.code == 2
    assert "usage: " in capsys.readouterr().err
