"""The services of imports, as callers other than HTTP use them: what they store, refuse and retry."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from importsvc.engine.schema import registry
from importsvc.errors import Conflict, DomainError, RecordNotFound
from importsvc.imports.errors import ImportDataInvalid, RowsInvalid, WrongState
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services import find_import, revert_import, run_import, update_import
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_import, make_organization
from tests.imports.steps import run, stage
from tests.snapshots import take_snapshot
from tests.staged import read_staged

ROWS: dict[str, Any] = {"person": [{"First Name": "Ann", "custom_fields": {"é": [1.50, 10**20, None, True]}}]}
BAD_ROWS: dict[str, Any] = {"person": [{}]}
NO_NAME = {"row": 1, "column": "first_name", "messages": ["First name can't be blank"]}


def stored(import_: Import) -> Any:
    return Import.objects.filter(pk=import_.pk).values().get()


def test_rows_given_as_text_are_staged_unchanged(acme: NewOrganization) -> None:
    import_ = stage(acme, ' {"person" : [{"First Name":"\\u0041nn" }]}\n')

    assert read_staged(import_) == '{"person": [{"First Name":"\\u0041nn" }]}'


def test_rows_given_as_values_are_staged_as_equal_json(acme: NewOrganization) -> None:
    assert json.loads(read_staged(stage(acme, ROWS))) == ROWS


@pytest.mark.parametrize(("given", "kept"), [(None, False), (False, False), (True, True)])
def test_sample_is_not_null_once_a_service_has_written_it(
    acme: NewOrganization, given: bool | None, kept: bool
) -> None:
    import_ = stage(acme, ROWS, sample=given, import_model_id=7)
    assert (stored(import_)["sample"], stored(import_)["import_model_id"]) == (kept, 7)

    by_hand = make_import(creator=acme.person, sample=not kept)
    update_import(organization=acme.organization, import_id=by_hand.pk, import_data=ROWS, attributes={"sample": given})
    assert stored(by_hand)["sample"] is kept


@pytest.mark.parametrize(
    ("attributes", "changed"),
    [({}, {}), ({"import_model_id": None}, {"import_model_id": None}), ({"sample": False}, {"sample": False})],
)
def test_an_update_changes_only_the_given_attributes(
    acme: NewOrganization, attributes: dict[str, Any], changed: dict[str, Any]
) -> None:
    import_ = stage(acme, ROWS, sample=True, import_model_id=7)
    before, began = stored(import_), timezone.now()

    update_import(
        organization=acme.organization,
        import_id=import_.pk,
        import_data='{"company": [{"name": "A"}]}',
        attributes={**attributes, "creator": None},
    )

    after = stored(import_)
    assert began <= after["staged_at"] <= timezone.now()
    assert after == {**before, **changed, "staged_at": after["staged_at"]}
    assert read_staged(import_) == '{"company": [{"name": "A"}]}'


def test_running_writes_records_and_time_stamps(acme: NewOrganization) -> None:
    import_ = stage(acme, ROWS)
    began = timezone.now()

    ran = run(import_)

    assert ran.started_at is not None
    assert ran.processed_at is not None
    assert began <= ran.started_at <= ran.processed_at <= timezone.now()
    assert stored(import_) == stored(ran)
    assert json.loads(read_staged(import_)) == ROWS
    assert Person.objects.get(first_name="Ann").custom_fields == ROWS["person"][0]["custom_fields"]


def test_running_with_rows_replaces_the_staged_rows(acme: NewOrganization) -> None:
    import_ = stage(acme, ROWS)

    run(import_, import_data='{"person": [{"first_name": "Zoe"}]}')

    assert read_staged(import_) == '{"person": [{"first_name": "Zoe"}]}'
    assert list(Person.objects.exclude(pk=acme.person.pk).values_list("first_name", flat=True)) == ["Zoe"]


def test_a_clock_that_is_set_back_does_not_put_the_time_stamps_in_disorder(
    acme: NewOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_ = stage(acme, ROWS)
    times = iter([timezone.now() - timedelta(hours=hours) for hours in range(100)])
    monkeypatch.setattr(timezone, "now", lambda: next(times))

    run(import_)
    revert_import(organization=acme.organization, import_id=import_.pk)

    found = stored(import_)
    assert found["started_at"] == found["processed_at"] == found["reverted_at"]


@pytest.mark.parametrize(
    ("rows", "refusal", "detail"),
    [
        ("", ImportDataInvalid, "can't be blank"),
        (" \n", ImportDataInvalid, "can't be blank"),
        ("[]", ImportDataInvalid, "must be an object with an array of rows for each type (company, person)"),
        (BAD_ROWS, RowsInvalid, {"person": [NO_NAME]}),
        (json.dumps({"company": [], **BAD_ROWS}), RowsInvalid, {"company": [], "person": [NO_NAME]}),
    ],
)
def test_bad_rows_are_refused_by_every_service_that_takes_rows_and_change_nothing(
    acme: NewOrganization, rows: Any, refusal: type[DomainError], detail: Any
) -> None:
    import_ = stage(acme, ROWS)
    before = take_snapshot()
    attempts: list[Callable[[], Import]] = [
        lambda: stage(acme, rows),
        lambda: update_import(
            organization=acme.organization, import_id=import_.pk, import_data=rows, attributes={"sample": True}
        ),
        lambda: run(import_, import_data=rows),
    ]

    for attempt in attempts:
        with pytest.raises(refusal) as caught:
            attempt()
        assert caught.value.detail == detail
        assert (caught.value.code, caught.value.attribute, caught.value.meta) == (
            "invalid_attribute",
            "import_data",
            None,
        )
        assert take_snapshot() == before


def test_a_run_without_staged_or_given_rows_is_refused_as_blank(acme: NewOrganization) -> None:
    with pytest.raises(ImportDataInvalid, match="can't be blank"):
        run(make_import(creator=acme.person))


def test_beyond_a_thousand_row_errors_their_number_is_reported(acme: NewOrganization) -> None:
    with pytest.raises(RowsInvalid) as caught:
        stage(acme, {"company": [{}] * 3, "person": [{}] * 1_200})

    detail: Any = caught.value.detail
    assert [len(entries) for entries in detail.values()] == [3, 997]
    assert caught.value.meta == {"error_count": 1_203}


MOVES: dict[str, Callable[..., Any]] = {
    "updated": lambda **who: update_import(**who, import_data=ROWS, attributes={}),
    "imported": lambda **who: run_import(**who),
    "reverted": lambda **who: revert_import(**who),
}


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("state", list(ImportState))
def test_a_transition_is_refused_from_every_state_but_its_own(
    acme: NewOrganization, move: str, state: ImportState
) -> None:
    import_ = make_import(creator=acme.person, state=state, import_data=json.dumps(ROWS))
    allowed = state == (ImportState.PROCESSED if move == "reverted" else ImportState.CREATED)
    before = take_snapshot()

    if allowed:
        MOVES[move](organization=acme.organization, import_id=import_.pk)
    else:
        with pytest.raises(WrongState, match=f"The import is in state '{state}' and cannot be {move}") as caught:
            MOVES[move](organization=acme.organization, import_id=import_.pk)
        assert caught.value.state == state
        assert take_snapshot() == before


@pytest.mark.parametrize("move", MOVES)
def test_another_organizations_import_does_not_exist(acme: NewOrganization, move: str) -> None:
    import_ = stage(acme, ROWS)

    for import_id in (import_.pk, 0):
        with pytest.raises(RecordNotFound):
            MOVES[move](organization=make_organization(name=f"Globex{import_id}").organization, import_id=import_id)


def test_operators_find_every_import(acme: NewOrganization) -> None:
    import_ = find_import(import_id=stage(acme, ROWS).pk)

    assert import_.organization == acme.organization
    with pytest.raises(RecordNotFound):
        find_import(import_id=0)


def test_records_of_an_unregistered_type_cannot_be_reverted(
    acme: NewOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_ = run(stage(acme, ROWS))
    monkeypatch.setattr(registry, "_importables", {"company": registry.get("company")})

    with pytest.raises(Conflict) as caught:
        revert_import(organization=acme.organization, import_id=import_.pk)

    assert caught.value.detail == "Records of type 'person' cannot be imported or reverted any more"
