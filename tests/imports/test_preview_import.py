"""What running an import would do, told before: the same plan, nothing written, and a tag that holds it to its word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from companies.models import Company
from importsvc.engine.plan import OnDuplicate
from importsvc.errors import PreconditionFailed, RecordNotFound
from importsvc.imports.errors import RowsInvalid, WrongState
from importsvc.imports.models import Change, Import
from importsvc.imports.services import ImportPreview, create_import, preview_import, run_import
from organizations.models import Organization
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_company, make_import, make_organization, make_person
from tests.imports.test_on_duplicate import counts
from tests.snapshots import take_snapshot, undone

ROWS: dict[str, list[dict[str, Any]]] = {
    "company": [{"name": "Reds", "due_days": 7}, {"name": "Greens"}],
    "person": [
        {"email": "ann@acme.test", "title": "Chief", "company": "Greens"},
        {"email": "bob@acme.test", "first_name": "Bob", "company": "Blues"},
    ],
}


@pytest.fixture(autouse=True)
def records(acme: NewOrganization) -> dict[str, Any]:
    organization = acme.organization
    reds = make_company(organization=organization, name="Reds")
    return {
        "reds": reds,
        "blues": make_company(organization=organization, name="Blues"),
        "ann": make_person(organization=organization, email="ann@acme.test", title="Boss", company=reds),
        "other": make_person(organization=organization, email="other@acme.test"),
    }


def stage(acme: NewOrganization, rows: Any = ROWS, on_duplicate: OnDuplicate = "update") -> Import:
    return create_import(
        organization=acme.organization, creator=acme.person, import_data=rows, on_duplicate=on_duplicate
    )


def preview(import_: Import) -> ImportPreview:
    return preview_import(organization=import_.organization, import_id=import_.pk)


def run(import_: Import, *tags: str, **said: Any) -> Import:
    return run_import(organization=import_.organization, import_id=import_.pk, if_match=tags, **said)


def shown(preview: ImportPreview, made: dict[tuple[str, int], int] | None = None) -> list[tuple[Any, ...]]:
    """The changes as the journal has them; ``made`` are the ids of records that were to be created, by type and row."""
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
        for change in preview.changes
    ]


def journal_of(import_: Import) -> list[tuple[Any, ...]]:
    changes = Change.objects.filter(import_record=import_).order_by("id")
    return list(changes.values_list("record_type", "record_id", "row", "action", "before", "after"))


def test_it_tells_what_running_would_do(acme: NewOrganization, records: dict[str, Any]) -> None:
    seen = preview(stage(acme))

    assert seen.counts == {"company": counts(created=1, updated=1), "person": counts(created=1, updated=1)}
    assert seen.refusal is None
    assert shown(seen) == [
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
    assert (seen.changes[-1].record_id, list(seen.changes[4:])) == (records["ann"].pk, [])


def test_it_writes_nothing_and_locks_nothing(acme: NewOrganization) -> None:
    import_ = stage(acme)
    before = take_snapshot()

    with CaptureQueriesContext(connection) as queries:
        preview(import_)

    assert take_snapshot() == before
    assert {query["sql"].split()[0] for query in queries} == {"SELECT"}
    assert not [query for query in queries if " FOR " in query["sql"] and "UPDATE" in query["sql"]]


def test_if_any_row_is_wrong_nothing_would_be_done_and_every_error_is_told(acme: NewOrganization) -> None:
    import_ = stage(acme)
    make_company(organization=acme.organization, name="greens")
    make_company(organization=acme.organization, name="greens")

    seen = preview(import_)

    assert seen.refusal
    with pytest.raises(RowsInvalid) as refused:
        run(import_, seen.tag)
    assert seen.refusal.detail == refused.value.detail
    assert seen.counts == {"company": counts(), "person": counts()}
    assert list(seen.changes) == []


def test_what_cannot_be_run_cannot_be_previewed(acme: NewOrganization) -> None:
    import_ = stage(acme)
    with pytest.raises(RecordNotFound):
        preview_import(organization=make_organization().organization, import_id=import_.pk)
    run(import_, "*")
    with pytest.raises(WrongState, match="The import is in state 'processed' and cannot be imported"):
        preview(import_)


def person_edited(records: dict[str, Any]) -> None:
    Person.objects.filter(pk=records["ann"].pk).update(title="Chair")


def other_field_of_it_edited(records: dict[str, Any]) -> None:
    Person.objects.filter(pk=records["ann"].pk).update(archived_at="2024-01-01T00:00:00Z")


def edited_by_sql(records: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE people_person SET first_name = 'X' WHERE id = %s", [records["ann"].pk])


def person_gone(records: dict[str, Any]) -> None:
    records["ann"].delete()


def address_taken(records: dict[str, Any]) -> None:
    Person.objects.filter(pk=records["other"].pk).update(email="BOB@acme.test")


def company_referred_to_renamed(records: dict[str, Any]) -> None:
    Company.objects.filter(pk=records["blues"].pk).update(name="BLUES")


def company_made(records: dict[str, Any]) -> None:
    make_company(organization=records["ann"].organization, name="greens")


def currency_changed(records: dict[str, Any]) -> None:
    Organization.objects.filter(pk=records["ann"].organization_id).update(default_currency="CHF")


def staged_anew(records: dict[str, Any]) -> None:
    Import.objects.update(import_data='{"person": [{"first_name": "Zoe"}]}')


def duplicates_skipped(records: dict[str, Any]) -> None:
    Import.objects.update(on_duplicate="skip")


EDITS = [
    person_edited,
    other_field_of_it_edited,
    edited_by_sql,
    person_gone,
    address_taken,
    company_referred_to_renamed,
    company_made,
    currency_changed,
    staged_anew,
    duplicates_skipped,
]


@pytest.mark.parametrize("edit", EDITS)
def test_the_tag_does_not_hold_when_anything_has_moved(
    acme: NewOrganization, records: dict[str, Any], edit: Callable[[dict[str, Any]], None]
) -> None:
    import_ = stage(acme)
    tag = preview(import_).tag

    edit(records)
    before = take_snapshot()
    # What a request would have: the organization as it is now.
    organization = Organization.objects.get(pk=acme.organization.pk)
    with pytest.raises(PreconditionFailed):
        run_import(organization=organization, import_id=import_.pk, if_match=[tag])

    assert take_snapshot() == before
    assert preview_import(organization=organization, import_id=import_.pk).tag != tag


def test_the_tag_holds_when_only_something_else_has_moved(acme: NewOrganization, records: dict[str, Any]) -> None:
    import_ = stage(acme)
    tag = preview(import_).tag

    make_company(organization=acme.organization, name="Yellows")
    Person.objects.filter(pk=records["other"].pk).update(title="Chair")
    Person.objects.filter(pk=records["ann"].pk).update(last_seen_at="2024-01-01T00:00:00Z")

    assert preview(import_).tag == tag
    assert run(import_, "something else", tag).counts == preview_counts()


def preview_counts() -> dict[str, dict[str, int]]:
    return {"company": counts(created=1, updated=1), "person": counts(created=1, updated=1)}


def test_rows_that_come_with_the_run_must_be_those_that_were_shown(acme: NewOrganization) -> None:
    import_ = make_import(creator=acme.person, import_data='{"person": [{"first_name": "Zoe"}]}')
    tag = preview(import_).tag

    with pytest.raises(PreconditionFailed):
        run(import_, tag, import_data={"person": [{"first_name": "Yoe"}]})
    with pytest.raises(PreconditionFailed):
        run(import_, tag, on_duplicate="skip")
    assert run(import_, tag, import_data='{"person": [{"first_name": "Zoe"}]}').processed_at


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
def test_what_is_shown_is_what_is_done(
    acme: NewOrganization, companies: list[Any], people: list[Any], on_duplicate: OnDuplicate
) -> None:
    rows = {name: rows for name, rows in (("person", people), ("company", companies)) if rows}
    if not rows:
        return
    with undone():
        import_ = stage(acme, rows, on_duplicate)
        seen = preview(import_)
        shown_before = seen.changes[:]

        done = run(import_, seen.tag)

        made = {
            (name, row): record_id for name, record_id, row, action, *_ in journal_of(import_) if action == "created"
        }
        assert shown(seen, made) == journal_of(import_)
        assert shown_before == seen.changes[:]
        assert seen.counts == done.counts
