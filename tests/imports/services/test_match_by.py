"""Imports whose rows match records by another column than usual: preview, run and revert."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from companies.models import Company
from importsvc.changelog.models import Change
from importsvc.engine.parse import chunks
from importsvc.engine.plan.plan import OnDuplicate
from importsvc.imports.errors import RowsInvalid
from importsvc.imports.services import get_match_keys, preview_rows
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_company, make_organization, make_person
from tests.engine.updates import IMPORT_TABLES
from tests.imports.steps import counts, import_rows, revert, run, stage
from tests.snapshots import take_snapshot, undone

NAMES = st.sampled_from(["Reds", "REDS", "Blues", "Greens", "Acme"])
IDS = st.sampled_from(["a", "A", "b", "c", "", None])
ADDRESSES = st.sampled_from(["ann@acme.test", "Other@acme.test", "new@acme.test", None])
COMPANIES = st.lists(
    st.fixed_dictionaries({"name": NAMES}, optional={"external_id": IDS, "due_days": st.just(7)}), max_size=4
)
PEOPLE = st.lists(
    st.fixed_dictionaries(
        {"first_name": st.sampled_from(["Ann", "Bob"])},
        optional={"external_id": IDS, "email": ADDRESSES, "company": NAMES},
    )
)


@pytest.fixture
def records(acme: NewOrganization) -> dict[str, Any]:
    organization = acme.organization
    reds = make_company(organization=organization, name="Reds", external_id="a")
    blues = make_company(organization=organization, name="Blues", external_id="A")
    ann = make_person(organization=organization, first_name="Ann", email="ann@acme.test", external_id="a", company=reds)
    other = make_person(organization=organization, email="other@acme.test", external_id="b")
    return {"reds": reds, "blues": blues, "ann": ann, "other": other}


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    companies=COMPANIES,
    people=PEOPLE,
    on_duplicate=st.sampled_from(["skip", "update"]),
    match_by=st.sampled_from([None, *get_match_keys()]),
    chunk_rows=st.sampled_from([1, 2, 2_000]),
)
def test_a_run_does_what_its_preview_shows_and_a_revert_undoes_it(
    acme: NewOrganization,
    records: dict[str, Any],
    companies: list[Any],
    people: list[Any],
    on_duplicate: OnDuplicate,
    match_by: str | None,
    chunk_rows: int,
) -> None:
    rows = {name: rows for name, rows in (("person", people), ("company", companies)) if rows}
    if not rows:
        return
    options: dict[str, Any] = {"on_duplicate": on_duplicate, "match_by": match_by}
    with undone(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "CHUNK_ROWS", chunk_rows)
        before = take_snapshot(without=IMPORT_TABLES)
        seen = preview_rows(organization=acme.organization, import_data=rows, **options)
        to_come = [(change.importable.name, change.row, change.action, change.record_id) for change in seen.changes[:]]

        if seen.refusal:
            with pytest.raises(RowsInvalid) as refused:
                run(stage(acme, {"company": [{"name": "Yellows"}]}), import_data=rows, **options)
            assert refused.value.detail == seen.refusal.detail
            return
        import_ = import_rows(acme, rows, **options)

        made = Change.objects.filter(import_record=import_).order_by("id")
        assert to_come == [
            (each.record_type, each.row, each.action, each.record_id if each.action == "updated" else None)
            for each in made
        ]
        assert import_.counts == seen.counts
        revert(import_)
        assert take_snapshot(without=IMPORT_TABLES) == before


def test_records_are_updated_by_their_external_id_and_restored(acme: NewOrganization, records: dict[str, Any]) -> None:
    rows = {
        "company": [{"name": "Red Ltd", "external_id": "a"}, {"name": "Greens", "external_id": "g"}],
        "person": [
            {"first_name": "Anna", "email": "anna@acme.test", "external_id": "a", "company": "Red Ltd"},
            {"external_id": "b", "company": "REDS"},
        ],
    }
    before = take_snapshot(without=IMPORT_TABLES)

    import_ = import_rows(acme, rows, on_duplicate="update", match_by="external_id")

    assert import_.counts == {"company": counts(created=1, updated=1), "person": counts(updated=2)}
    renamed = Company.objects.get(pk=records["reds"].pk)
    assert (renamed.name, renamed.external_id) == ("Red Ltd", "a")
    people = Person.objects.filter(company=renamed).order_by("id").values_list("pk", "first_name", "email")
    assert list(people) == [
        (records["ann"].pk, "Anna", "anna@acme.test"),
        (records["other"].pk, records["other"].first_name, "other@acme.test"),
    ]
    revert(import_)
    assert take_snapshot(without=IMPORT_TABLES) == before


def test_an_import_can_give_records_their_external_ids(acme: NewOrganization, records: dict[str, Any]) -> None:
    Company.objects.update(external_id=None)
    rows = {"company": [{"name": "reds", "external_id": "001A"}, {"name": "blues", "external_id": "001a"}]}

    import_ = import_rows(acme, rows, on_duplicate="update")

    ids = Company.objects.exclude(external_id=None).order_by("id").values_list("name", "external_id")
    assert list(ids) == [("reds", "001A"), ("blues", "001a")]
    revert(import_)
    assert not Company.objects.exclude(external_id=None).exists()


def test_rows_of_a_derived_type_match_by_its_own_match_key(acme: NewOrganization, records: dict[str, Any]) -> None:
    rows = {
        "company": [{"name": "Reds"}, {"name": "Greens"}],
        "person": [{"external_id": "a", "company": "Greens"}, {"first_name": "New", "company": "reds"}],
    }

    import_ = import_rows(acme, rows, on_duplicate="update", match_by="external_id", derived_types=["company"])

    assert import_.counts == {"company": counts(created=1, unchanged=1), "person": counts(created=1, updated=1)}


def test_the_match_key_of_a_run_replaces_that_of_the_import_and_null_resets_it(
    acme: NewOrganization, records: dict[str, Any]
) -> None:
    rows = {"company": [{"name": "reds", "due_days": 7}]}
    cases: list[tuple[dict[str, Any], str | None]] = [
        ({}, "external_id"),
        ({"match_by": None, "import_data": rows}, None),
        ({"match_by": "name", "import_data": rows}, "name"),
    ]
    for given_to_run, kept in cases:
        with undone():
            import_ = stage(acme, {"company": [{"name": "Greens"}]}, on_duplicate="update", match_by="external_id")
            assert run(import_, **given_to_run).match_by == kept
            expected = counts(created=1) if kept == "external_id" else counts(updated=1)
            import_.refresh_from_db()
            assert (import_.match_by, import_.counts) == (kept, {"company": expected})


def test_external_ids_are_unique_in_an_organization_and_blank_ones_are_not_compared(
    acme: NewOrganization, records: dict[str, Any]
) -> None:
    globex = make_organization()
    for organization, external_id in ((globex.organization, "a"), (acme.organization, None), (acme.organization, "B")):
        make_person(organization=organization, external_id=external_id)
        make_company(organization=organization, name=f"Of {external_id}", external_id=external_id)

    for make in (make_person, partial(make_company, name="Greens")):
        with pytest.raises(IntegrityError, match="external_id_organization"), transaction.atomic():
            make(organization=acme.organization, external_id="a")
