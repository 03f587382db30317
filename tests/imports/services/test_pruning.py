"""Old imports lose their staged rows and, as configured, their change log; what needs them is refused then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from importsvc.changelog.models import Change
from importsvc.imports import services
from importsvc.imports.models import Import, StagedChunk
from importsvc.imports.services import pruning
from importsvc.operations.models import Kind
from people.models import Person
from people.services import NewOrganization
from tests.admin_pages import read, url_of
from tests.client import ApiClient, assert_error, document_of
from tests.engine.updates import log_one_by_one
from tests.interleaving import threads
from tests.operations.queueing import create, queue

ROWS: dict[str, Any] = {
    "company": [{"name": "Greens"}],
    "person": [{"first_name": "Ann", "email": "ann@acme.test", "company": "Greens"}],
}
STAGE_AGAIN = "The staged rows of this import were deleted on {:%Y-%m-%d}, because it was not run; stage them again"
NO_REVERT = "The change log of this import was deleted on {:%Y-%m-%d}; it cannot be reverted any more"


def stage(tenant: NewOrganization, *, days: float) -> Import:
    """An import that was staged so many days ago."""
    import_ = create(tenant, ROWS)
    at = timezone.now() - timedelta(days=days)
    Import.objects.filter(pk=import_.pk).update(created_at=at)
    return import_


def run(tenant: NewOrganization, *, days: float, name: str = "Greens") -> Import:
    """An import that was run so many days ago, and created a company."""
    import_ = create(tenant, {"company": [{"name": name}]})
    services.run_import(organization=tenant.organization, import_id=import_.pk)
    at = timezone.now() - timedelta(days=days)
    Import.objects.filter(pk=import_.pk).update(created_at=at, started_at=at, processed_at=at)
    return import_


def prune(capsys: pytest.CaptureFixture[str], **options: Any) -> list[str]:
    """The lines about imports."""
    call_command("prune", **options)
    lines = capsys.readouterr().out.splitlines()
    return [line for line in lines if "import" in line.lower() and "import sessions" not in line]


def count_rows(import_: Import) -> tuple[int, int]:
    """The numbers of staged chunks and of changes."""
    changes = Change.objects.filter(import_record=import_)
    return StagedChunk.objects.filter(import_record=import_).count(), changes.count()


def find_pruned() -> list[int]:
    return list(Import.objects.filter(pruned_at__isnull=False).order_by("id").values_list("pk", flat=True))


def test_imports_that_are_not_run_lose_their_rows_after_the_days(
    acme: NewOrganization, globex: NewOrganization, capsys: pytest.CaptureFixture[str]
) -> None:
    old = [stage(acme, days=90), stage(globex, days=90)]
    young = stage(acme, days=89.9)
    ancient = run(acme, days=1_000, name="Blues")
    kept = "Imports that were run keep their staged rows and change log: RUN_IMPORT_DAYS is not set"

    assert prune(capsys, dry_run=True) == [
        "Would remove the staged rows of 2 imports that were not run for 90 days",
        kept,
    ]
    assert find_pruned() == []
    assert prune(capsys) == ["Removed the staged rows of 2 imports that were not run for 90 days", kept]
    assert prune(capsys) == ["Removed the staged rows of 0 imports that were not run for 90 days", kept]

    assert find_pruned() == [import_.pk for import_ in old]
    assert [count_rows(import_) for import_ in (*old, young, ancient)] == [(0, 0), (0, 0), (2, 0), (1, 1)]


def test_imports_that_were_run_lose_all_rows_if_that_is_configured(
    acme: NewOrganization, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.RUN_IMPORT_DAYS = 400
    old, young = run(acme, days=400), run(acme, days=399, name="Blues")
    reverted = run(acme, days=500, name="Reds")
    services.revert_import(organization=acme.organization, import_id=reverted.pk)
    pruned = " the staged rows and the change log of 1 import that was run more than 400 days ago"

    assert prune(capsys, dry_run=True)[1] == f"Would remove{pruned} and can then not be reverted"
    assert prune(capsys)[1] == f"Removed{pruned} and can then not be reverted"

    assert find_pruned() == [old.pk]
    assert [count_rows(import_) for import_ in (old, young, reverted)] == [(0, 0), (1, 1), (1, 1)]
    assert sorted(acme.organization.companies.values_list("name", flat=True)) == ["Acme", "Blues", "Greens"]


def test_the_revert_of_a_pruned_import_is_refused_everywhere_and_its_page_says_why(
    api: ApiClient,
    acme: NewOrganization,
    settings: Settings,
    admin_client: Client,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings.RUN_IMPORT_DAYS = 1
    import_ = run(acme, days=2)
    services.prune_imports()
    now = timezone.now()
    refusal = NO_REVERT.format(now)

    for method, path in (("PATCH", "revert"), ("GET", "revert"), ("GET", "changes")):
        assert_error(api.request(method, f"imports/{import_.pk}/{path}"), 409, "conflict", refusal)
    with pytest.raises(CommandError, match="1 of 1 refused"):
        call_command("revert_imports", import_.pk)
    capsys.readouterr()
    call_command("revert_imports", organization=acme.organization.pk)
    assert capsys.readouterr().out == "No imports to revert\n"
    page = read(admin_client, url_of(import_))
    assert page.count(f"{refusal}.") == 2
    assert "Revert…" not in page
    document = document_of(api.get(f"imports/{import_.pk}?fields[imports]=pruned_at,processed_at"))
    assert datetime.fromisoformat(document["data"]["attributes"]["pruned_at"]).astimezone(UTC).date() == now.date()


def test_rows_can_be_staged_again_in_a_pruned_import(api: ApiClient, acme: NewOrganization) -> None:
    first, second = stage(acme, days=100), stage(acme, days=100)
    services.prune_imports()
    refusal = STAGE_AGAIN.format(timezone.now())

    for method in ("GET", "POST"):
        assert_error(api.request(method, f"imports/{first.pk}/import"), 409, "conflict", refusal)
    assert api.send_import("PATCH", f"imports/{first.pk}", import_data=ROWS).status_code == 200
    assert services.prune_imports() == pruning.Pruned(0, 0)  # it was staged a moment ago
    assert api.request("POST", f"imports/{first.pk}/import").status_code == 200
    # A run may bring its rows along.
    rows = {"person": [{"first_name": "Bob", "email": "bob@acme.test"}]}
    assert api.send_import("POST", f"imports/{second.pk}/import", import_data=rows).status_code == 200
    assert api.request("PATCH", f"imports/{second.pk}/revert").status_code == 200

    assert find_pruned() == []
    assert Person.objects.filter(email="ann@acme.test").count() == 1


@pytest.mark.django_db(transaction=True)
def test_imports_that_are_used_or_queued_are_left_for_the_next_time(acme: NewOrganization) -> None:
    used, queued, other = stage(acme, days=100), stage(acme, days=100), stage(acme, days=100)
    queue(acme, Kind.IMPORT, queued)

    with transaction.atomic(), threads() as pool:
        Import.objects.for_organization(acme.organization).select_for_update().get(pk=used.pk)
        assert pool.start(services.prune_imports).result(60) == pruning.Pruned(1, 0)
    assert find_pruned() == [other.pk]
    assert services.prune_imports() == pruning.Pruned(1, 0)
    assert [count_rows(import_) for import_ in (used, queued, other)] == [(0, 0), (2, 0), (0, 0)]


@pytest.mark.django_db(transaction=True)
def test_an_interrupted_call_is_finished_by_the_next_one_in_short_transactions(
    acme: NewOrganization, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RUN_IMPORT_DAYS = 1
    import_ = create(acme, {"company": [{"name": f"Company {number}"} for number in range(7)]})
    services.run_import(organization=acme.organization, import_id=import_.pk)
    Import.objects.update(started_at=datetime(2024, 1, 1, tzinfo=UTC), processed_at=datetime(2024, 1, 1, tzinfo=UTC))
    log_one_by_one(import_)
    monkeypatch.setattr(pruning, "CHANGES_AT_ONCE", 3)
    delete, calls = pruning._delete_changes, []

    def interrupt(of_import: dict[str, int]) -> bool:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return delete(of_import)

    monkeypatch.setattr(pruning, "_delete_changes", interrupt)
    with pytest.raises(KeyboardInterrupt):
        services.prune_imports()
    assert (find_pruned(), count_rows(import_)) == ([import_.pk], (0, 4))

    assert services.prune_imports() == pruning.Pruned(0, 0)
    assert count_rows(import_) == (0, 0)
    assert len(calls) == 4
