"""``prune`` deletes operations that finished long ago, of every organization, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from importsvc.operations import services
from importsvc.operations.models import Operation, Progress
from people.services import NewOrganization
from tests.builders import make_import, make_operation


def make(tenant: NewOrganization, status: str, *, days: float) -> int:
    """The id of an operation on an import that was queued, and finished if it is not queued, so many days ago."""
    at = timezone.now() - timedelta(days=days)
    finished_at = None if status == "queued" else at
    import_ = make_import(creator=tenant.person)
    made = make_operation(creator=tenant.person, import_=import_, status=status, queued_at=at, finished_at=finished_at)
    return int(made.pk)


def test_finished_operations_of_every_organization_are_deleted_with_their_progress(
    acme: NewOrganization, globex: NewOrganization, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = []
    for tenant in (acme, globex):
        kept += [make(tenant, "queued", days=100), make(tenant, "failed", days=29.9)]
        for status in ("succeeded", "failed", "cancelled"):
            make(tenant, status, days=30)

    call_command("prune", dry_run=True)
    assert capsys.readouterr().out.splitlines()[2] == "Would remove 6 operations older than 30 days"
    assert Operation.objects.count() == 10
    call_command("prune")
    assert capsys.readouterr().out.splitlines()[2] == "Removed 6 operations older than 30 days"

    assert sorted(Operation.objects.values_list("pk", flat=True)) == sorted(kept)
    assert sorted(Progress.objects.values_list("operation_id", flat=True)) == sorted(kept)
    assert acme.organization.imports.count() == 5


def test_the_age_is_a_setting_and_no_transaction_deletes_more_than_the_limit(
    acme: NewOrganization, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OPERATION_DAYS = 1
    monkeypatch.setattr(services, "PRUNED_AT_ONCE", 2)
    kept = make(acme, "failed", days=0.9)
    for _ in range(5):
        make(acme, "failed", days=1)

    assert services.prune() == 5
    assert Operation.objects.get().pk == kept
