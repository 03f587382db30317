"""Services report progress to a callback."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.db import IntegrityError

from companies.models import Company
from importsvc.changelog.models import CreatedChunk
from importsvc.engine.parse.chunks import CHUNK_ROWS
from importsvc.engine.plan.plan import OnDuplicate
from importsvc.engine.revert import delete
from importsvc.imports.errors import ImportDataInvalid, RowsInvalid
from importsvc.imports.models import Import
from importsvc.imports.services import (
    import_rows,
    importing,
    preview_import,
    preview_rows,
    revert_import,
    reverting,
)
from importsvc.imports.services.creating import create_import
from importsvc.imports.services.importing import run_import
from importsvc.imports.staging import store_rows
from importsvc.webhooks.services import record_event
from people.services import NewOrganization
from tests.builders import make_company
from tests.faults import PostgreSQLError
from tests.imports.steps import counts
from tests.snapshots import take_snapshot

COMPANIES = 4_500
ROWS: dict[str, Any] = {
    "company": [{"name": f"C{number}"} for number in range(COMPANIES)],
    "person": [{"first_name": "A", "company": "C7"}],
}
ALL = COMPANIES + 1


class Log:
    """A callback that keeps the reported progress."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []

    def __call__(self, what: str, rows: int) -> None:
        self.told.append((what, rows))

    @property
    def sums(self) -> dict[str, int]:
        """The number of rows of each step."""
        sums: Counter[str] = Counter()
        for what, rows in self.told:
            sums[what] += rows
        return dict(sums)


def bring(acme: NewOrganization, rows: Any = ROWS, **options: Any) -> Import:
    return import_rows(organization=acme.organization, creator=acme.person, import_data=rows, **options)


@pytest.mark.parametrize("on_duplicate", ["error", "skip", "update"])
def test_progress_counts_every_row_as_read_checked_and_written(
    acme: NewOrganization, on_duplicate: OnDuplicate
) -> None:
    if on_duplicate != "error":
        make_company(organization=acme.organization, name="c7")
    log = Log()
    import_ = create_import(
        organization=acme.organization, creator=acme.person, import_data=ROWS, on_duplicate=on_duplicate
    )

    run_import(organization=acme.organization, import_id=import_.pk, progress=log)

    assert log.told[0] == ("read", ALL)
    assert log.sums == {"read": ALL, "checked": ALL, "written": ALL}
    assert max(rows for what, rows in log.told if what != "read") <= CHUNK_ROWS


def test_progress_subtracts_the_rows_of_an_attempt_that_is_retried(
    acme: NewOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([IntegrityError()])

    def fail_once(*arguments: Any, **options: Any) -> None:
        store_rows(*arguments, **options)
        for failure in failures:
            raise failure from PostgreSQLError("23505")

    import_ = create_import(organization=acme.organization, creator=acme.person, import_data=ROWS)
    monkeypatch.setattr(importing, "store_rows", fail_once)
    log = Log()

    run_import(organization=acme.organization, import_id=import_.pk, import_data=ROWS, progress=log)

    assert ("written", -ALL) in log.told
    assert log.sums == {"read": ALL, "checked": ALL, "written": ALL}


@pytest.mark.parametrize("attempts", [1, 2])
def test_progress_of_a_revert_counts_every_change_as_read_checked_and_undone(
    acme: NewOrganization, monkeypatch: pytest.MonkeyPatch, attempts: int
) -> None:
    make_company(organization=acme.organization, name="c7", due_days=1)
    rows = {**ROWS, "company": [*ROWS["company"][:7], {"name": "c7", "due_days": 2}, *ROWS["company"][8:]]}
    import_ = bring(acme, rows, on_duplicate="update")
    monkeypatch.setattr(delete, "REMOVED_AT_ONCE", 2_000)
    chunks = CreatedChunk.objects.filter(record_type="company").order_by("block")
    companies = list(chunks.values_list("record_count", flat=True))
    assert len(companies) > 1
    failures = iter([IntegrityError()] * (attempts - 1))

    def fail_once(*arguments: Any, **named: Any) -> None:
        record_event(*arguments, **named)
        for failure in failures:
            raise failure from PostgreSQLError("23505")

    monkeypatch.setattr(reverting, "record_event", fail_once)
    log = Log()

    revert_import(organization=acme.organization, import_id=import_.pk, progress=log)

    assert log.told[0] == ("read", ALL)
    assert log.sums == {"read": ALL, "checked": ALL, "written": ALL}
    undone = [rows for what, rows in log.told if what == "written" and rows > 0]
    assert undone == [1, 1, *companies] * attempts


def test_progress_of_a_revert_does_not_count_what_is_kept_or_gone_as_undone(acme: NewOrganization) -> None:
    import_ = bring(acme, {"company": [{"name": "Kept"}, {"name": "Gone"}, {"name": "Removed"}]})
    Company.objects.filter(name="Kept").update(due_days=9)
    Company.objects.filter(name="Gone").delete()
    log = Log()

    revert_import(organization=acme.organization, import_id=import_.pk, on_conflict="keep", progress=log)

    assert log.sums == {"read": 3, "checked": 3, "written": 1}


def test_rows_are_staged_and_run_in_one_transaction(acme: NewOrganization) -> None:
    import_ = bring(acme)
    assert import_.counts == {"company": counts(created=COMPANIES), "person": counts(created=1)}

    before = take_snapshot()
    with pytest.raises(RowsInvalid):
        bring(acme)
    with pytest.raises(ImportDataInvalid):
        bring(acme, "{")
    assert take_snapshot() == before


def test_rows_that_cannot_be_run_are_not_staged_either(acme: NewOrganization, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("importsvc.imports.services.importing_at_once.run_import", fail)
    before = take_snapshot()
    with pytest.raises(KeyboardInterrupt):
        bring(acme)
    assert take_snapshot() == before


@pytest.mark.parametrize("on_duplicate", ["skip", "update"])
def test_rows_are_previewed_like_an_import_of_them(acme: NewOrganization, on_duplicate: OnDuplicate) -> None:
    make_company(organization=acme.organization, name="c7", due_days=1)
    rows = {"company": [{"name": "C7", "due_days": 2}, {"name": "D"}], "person": [{"first_name": "A", "company": "d"}]}
    staged = create_import(
        organization=acme.organization, creator=acme.person, import_data=rows, on_duplicate=on_duplicate
    )
    before, log = take_snapshot(), Log()

    seen = preview_rows(organization=acme.organization, import_data=rows, on_duplicate=on_duplicate, progress=log)

    expected = preview_import(organization=acme.organization, import_id=staged.pk)
    assert (seen.counts, seen.refusal, seen.changes[:]) == (expected.counts, None, expected.changes[:])
    assert log.sums == {"read": 3, "checked": 3}
    assert take_snapshot() == before


def test_a_preview_of_invalid_rows_is_refused_like_an_import_of_them(acme: NewOrganization) -> None:
    seen = preview_rows(organization=acme.organization, import_data={"company": [{"name": "Acme"}]})
    assert seen.refusal is not None
    assert (seen.counts, seen.changes[:]) == ({"company": counts()}, [])
    taken = {"row": 1, "column": "name", "messages": ["Name has already been taken"]}
    assert seen.refusal.detail == {"company": [taken]}
    with pytest.raises(ImportDataInvalid):
        preview_rows(organization=acme.organization, import_data="{")
