"""``prune`` deletes the sessions that have expired."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from importsvc.import_sessions.models import ImportSession
from people.services import NewOrganization
from tests.builders import make_import_session


def prune(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The line of the command's output about sessions."""
    call_command("prune", *arguments)
    (line,) = [each for each in capsys.readouterr().out.splitlines() if "session" in each]
    return line


def test_expired_sessions_of_every_organization_are_deleted(
    acme: NewOrganization, globex: NewOrganization, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = []
    for caller in (acme, globex):
        make_import_session(person=caller.person, created_at=timezone.now() - timedelta(hours=1))
        kept.append(make_import_session(person=caller.person, created_at=timezone.now() - timedelta(minutes=59)))

    assert prune(capsys, "--dry-run") == "Would remove 2 expired import sessions"
    assert ImportSession.objects.count() == 4
    assert prune(capsys) == "Removed 2 expired import sessions"
    assert list(ImportSession.objects.order_by("id")) == kept
    assert prune(capsys) == "Removed 0 expired import sessions"


def test_one_expired_session_is_singular(acme: NewOrganization, capsys: pytest.CaptureFixture[str]) -> None:
    make_import_session(person=acme.person, created_at=timezone.now() - timedelta(days=9))

    assert prune(capsys) == "Removed 1 expired import session"
