"""An import to undo, and checks of the report."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db import connection, models

from importsvc.engine.revert.conflicts import Conflict, Reason
from importsvc.engine.revert.preview import UndoPreview
from importsvc.engine.revert.revert import UndoReport, undo
from importsvc.imports.models import Import
from tests.snapshots import take_snapshot

ROWS = {
    "company": [
        {"name": "Reds", "tag_list": "a,b", "custom_fields": {"a": [1.50, None]}, "due_days": 30},
        {"name": "Blues"},
    ],
    "person": [
        {"first_name": "Ann", "company": "Reds", "email": "ann@acme.test", "tag_list": ["x"]},
        {"first_name": "Bob"},
        {"first_name": "Cid", "company": "Blues"},
    ],
}


ALL = {"company": 2, "person": 3}


def execute(sql: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def assert_conflicts(import_: Import, *conflicts: Conflict) -> None:
    """Undoing reports these conflicts and changes nothing; a preview reports the same."""
    before = take_snapshot()
    report = undo(organization_id=import_.organization_id, import_id=import_.pk)
    assert [without_values(conflict) for conflict in report.conflicts] == list(conflicts)
    assert report == UndoReport(conflicts=report.conflicts, conflict_count=len(conflicts))
    assert UndoPreview(organization_id=import_.organization_id, import_id=import_.pk).report_conflicts() == report
    assert take_snapshot() == before


def without_values(conflict: Conflict) -> Conflict:
    """The conflict without values."""
    return replace(conflict, then={}, now={})


def referenced(model: type[models.Model], record_id: int, row: int, by: tuple[str, int | None]) -> Conflict:
    """The conflict of a record with a referrer."""
    return Conflict(model, record_id, row, Reason.REFERENCED, referenced_by=by)


def assert_undone(import_: Import, **removed: int) -> None:
    """Undoing removes this many records."""
    report = UndoReport(
        removed={**ALL, **removed},
        restored=dict.fromkeys(ALL, 0),
        kept=dict.fromkeys(ALL, 0),
        gone={name: count - {**ALL, **removed}[name] for name, count in ALL.items()},
    )
    assert undo(organization_id=import_.organization_id, import_id=import_.pk) == report
