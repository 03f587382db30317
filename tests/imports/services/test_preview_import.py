"""The preview of an import shows the plan of a run, and writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importsvc.changelog.models import Change
from importsvc.engine.plan.plan import OnDuplicate
from importsvc.errors import RecordNotFound
from importsvc.imports.errors import RowsInvalid, WrongState
from importsvc.imports.models import Import
from importsvc.imports.services import PlannedChange, preview_import
from people.services import NewOrganization
from tests.builders import make_company, make_organization
from tests.imports.import_previews import ROWS, preview
from tests.imports.steps import counts, run, stage
from tests.snapshots import take_snapshot, undone

pytestmark = pytest.mark.usefixtures("records")


def shown(changes: Sequence[PlannedChange], made: dict[tuple[str, int], int] | None = None) -> list[tuple[Any, ...]]:
    """The changes as the change log has them.

    ``made`` are the ids of records that were to be created, by type and row.
    """
    ids = made or {}

    def resolve(value: Any) -> Any:
        if isinstance(value, dict) and value.keys() == {"type", "row"} and ids:
            return ids[value["type"], value["row"]]
        return value

    return [
        (
            change.importable.name,
            change.record_id or ids.get((change.importable.name, change.row)),
            change.row,
            change.action,
            change.before,
            {name: resolve(value) for name, value in change.after.items()},
        )
        for change in changes
    ]


def change_log_of(import_: Import) -> list[tuple[Any, ...]]:
    changes = Change.objects.filter(import_record=import_).order_by("id")
    return list(changes.values_list("record_type", "record_id", "row", "action", "before", "after"))


def test_a_preview_shows_the_changes_that_a_run_would_make(acme: NewOrganization, records: dict[str, Any]) -> None:
    seen = preview(stage(acme, ROWS, on_duplicate="update"))

    assert seen.counts == {"company": counts(created=1, updated=1), "person": counts(created=1, updated=1)}
    assert seen.refusal is None
    assert shown(seen.changes[:]) == [
        ("company", None, 2, "created", None, {"name": "Greens", "default_currency": "USD"}),
        ("company", records["reds"].pk, 1, "updated", {"due_days": None}, {"due_days": 7}),
        (
            "person",
            None,
            2,
            "created",
            None,
            {"first_name": "Bob", "email": "bob@acme.test", "company_id": records["blues"].pk},
        ),
        (
            "person",
            records["ann"].pk,
            1,
            "updated",
            {"title": "Boss", "company_id": records["reds"].pk},
            {"title": "Chief", "company_id": {"type": "company", "row": 2}},
        ),
    ]
    assert len(seen.changes) == 4
    assert [change.row for change in seen.changes[1:3]] == [1, 2]
    assert ([change.record_id for change in seen.changes[3:]], seen.changes[4:]) == ([records["ann"].pk], [])


def test_a_preview_writes_nothing_and_locks_nothing(acme: NewOrganization) -> None:
    import_ = stage(acme, ROWS, on_duplicate="update")
    before = take_snapshot()

    with CaptureQueriesContext(connection) as queries:
        preview(import_)

    assert take_snapshot() == before
    assert {query["sql"].lstrip("(").split()[0] for query in queries} == {"SELECT", "SET"}
    assert not [query for query in queries if " FOR " in query["sql"] and "UPDATE" in query["sql"]]


def test_a_preview_of_invalid_rows_reports_every_error(acme: NewOrganization) -> None:
    import_ = stage(acme, ROWS, on_duplicate="update")
    make_company(organization=acme.organization, name="greens")
    make_company(organization=acme.organization, name="greens")

    seen = preview(import_)

    assert seen.refusal
    with pytest.raises(RowsInvalid) as refused:
        run(import_, if_match=[seen.etag])
    assert seen.refusal.detail == refused.value.detail
    assert seen.counts == {"company": counts(), "person": counts()}
    assert seen.changes[:] == []


def test_an_import_that_cannot_be_run_cannot_be_previewed(acme: NewOrganization) -> None:
    import_ = stage(acme, ROWS, on_duplicate="update")
    with pytest.raises(RecordNotFound):
        preview_import(organization=make_organization().organization, import_id=import_.pk)
    run(import_, if_match=["*"])
    with pytest.raises(WrongState, match="The import is in state 'processed' and cannot be imported"):
        preview(import_)


NAMES = st.sampled_from(["Reds", "REDS", "Blues", "Greens", "Yellows", "Acme"])
CELLS: dict[str, st.SearchStrategy[Any]] = {
    "title": st.sampled_from(["Boss", "Chief", "", None]),
    "last_name": st.sampled_from(["Lee", None, " "]),
    "tag_list": st.sampled_from([["a"], "a, b", None, []]),
    "custom_fields": st.sampled_from([{"x": 1}, {"x": True}, {"x": 1.0, "y": "\u00c9"}, {}, None]),
}
COMPANY_CELLS: dict[str, st.SearchStrategy[Any]] = {
    "due_days": st.sampled_from([7, "7", None, ""]),
    "default_currency": st.sampled_from(["EUR", "usd", None]),
    "description": st.sampled_from(["x\ty", None]),
}
COMPANIES = st.lists(
    st.builds(lambda name, cells: {"name": name, **cells}, NAMES, st.fixed_dictionaries({}, optional=COMPANY_CELLS)),
    unique_by=lambda row: str(row["name"]).lower(),
)
PEOPLE = st.lists(
    st.builds(
        lambda email, first_name, cells: {"email": email, "first_name": first_name, **cells},
        st.sampled_from(["ann@acme.test", "Other@acme.test", "new@acme.test", "", "x@acme.test"]),
        st.sampled_from(["Ann", "Bob"]),
        st.fixed_dictionaries({}, optional={**CELLS, "company": st.sampled_from(["Reds", "blues", None])}),
    ),
    unique_by=lambda row: str(row["email"]).lower() or object(),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(companies=COMPANIES, people=PEOPLE, on_duplicate=st.sampled_from(["skip", "update"]))
def test_a_run_makes_exactly_the_changes_of_its_preview(
    acme: NewOrganization, companies: list[Any], people: list[Any], on_duplicate: OnDuplicate
) -> None:
    rows = {name: rows for name, rows in (("person", people), ("company", companies)) if rows}
    if not rows:
        return
    with undone():
        import_ = stage(acme, rows, on_duplicate=on_duplicate)
        seen = preview(import_)
        changes = seen.changes[:]

        done = run(import_, if_match=[seen.etag])

        made = {
            (name, row): record_id for name, record_id, row, action, *_ in change_log_of(import_) if action == "created"
        }
        assert shown(changes, made) == change_log_of(import_)
        assert seen.counts == done.counts
