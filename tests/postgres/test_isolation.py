"""Transactions are READ COMMITTED, whatever the default of the server, the database or the role."""

from __future__ import annotations

import pytest
from django.db import connections, transaction

from companies.models import Company
from people.services import NewOrganization
from tests.builders import PUBLISHED_ROWS
from tests.command_line import Outcome, manage
from tests.imports.steps import import_rows
from tests.interleaving import PATIENCE_SECONDS, ask, threads

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["repeatable read", "serializable"])
def default(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Set the default isolation of new connections."""
    level: str = request.param
    escaped = level.replace(" ", "\\ ")
    monkeypatch.setenv("PGOPTIONS", f"-c default_transaction_isolation={escaped}")
    return level


def test_a_transaction_is_read_committed(default: str) -> None:
    def read_levels() -> tuple[str, str]:
        connections.close_all()
        with transaction.atomic():
            return ask("SHOW default_transaction_isolation"), ask("SHOW transaction_isolation")

    with threads() as background:
        levels = background.start(read_levels).result(PATIENCE_SECONDS)

    assert levels == (default, "read committed")


def test_imports_are_reverted_whatever_the_default(acme: NewOrganization, default: str) -> None:
    import_id = import_rows(acme, PUBLISHED_ROWS).pk

    outcome = manage("revert_imports", import_id)

    assert outcome == Outcome(0, f"Import {import_id}: removed 1 company, 1 person\n")
    assert not Company.objects.filter(name="Import").exists()
