"""The preview of a revert's choices has the numbers that the revert with each conflict policy then has."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from companies.models import Company
from importsvc.engine.revert import choices as engine_choices
from importsvc.errors import RecordNotFound
from importsvc.imports.errors import WrongState
from importsvc.imports.models import Import
from importsvc.imports.services import OnConflict, RevertChoices, preview_choices, read_conflicts, revert_import
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_import, make_organization, make_person
from tests.imports.revert_cases import company, person
from tests.snapshots import take_snapshot

pytestmark = pytest.mark.django_db


def choose(import_: Import, page_number: object = None, page_size: int = 50) -> RevertChoices:
    """The choices; checks that reading them writes nothing."""
    before = take_snapshot()
    choices = preview_choices(
        organization=import_.organization, import_id=import_.pk, page_number=page_number, page_size=page_size
    )
    assert take_snapshot() == before
    return choices


def names(choices: RevertChoices) -> list[tuple[str, int, list[str], list[str]]]:
    """Of each record on the page: its type, its row, what is kept, and the reasons."""
    return [
        (
            each.change.record_type,
            each.change.row,
            list(each.change.kept_fields or ()),
            [c.reason for c in each.conflicts],
        )
        for each in choices.page.object_list
    ]


def edit_all(import_: Import) -> None:
    """Edit what the import created and updated, so that every kind of choice occurs."""
    Person.objects.filter(first_name="Ann").update(title="Sir", last_name="Ray")
    Person.objects.filter(first_name="Zoe").update(title="Lady")
    make_person(organization=import_.organization, company=company("Blues"), first_name="Guest")
    person("Bob").delete()


def test_without_conflicts_there_is_nothing_to_choose(import_: Import) -> None:
    choices = choose(import_)

    assert choices.keeping == choices.discarding
    assert (choices.keeping.removed, choices.keeping.restored) == (
        {"company": 2, "person": 2},
        {"company": 0, "person": 1},
    )
    assert (choices.edits, choices.page.paginator.count, choices.page.object_list) == (0, 0, [])


@pytest.mark.parametrize("narrowed_to", [0, 100_000])
@pytest.mark.parametrize("on_conflict", ["keep", "discard"])
def test_the_revert_does_what_its_choice_says(
    import_: Import, on_conflict: OnConflict, narrowed_to: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_choices, "NARROWED_TO", narrowed_to)
    edit_all(import_)
    choices = choose(import_)

    report = revert_import(
        organization=import_.organization, import_id=import_.pk, on_conflict=on_conflict, if_match=[choices.etag]
    )

    expected = choices.keeping if on_conflict == "keep" else choices.discarding
    assert asdict(report) == asdict(expected)
    kept = {each.change.pk: each.change.kept_fields for each in choices.page.object_list}
    stored = dict(import_.changes.filter(outcome="kept").values_list("pk", "kept_fields"))
    assert stored == (kept if on_conflict == "keep" else choices.kept_by_discard)


def test_the_page_has_the_records_with_conflicts_and_those_that_they_refer_to(import_: Import) -> None:
    edit_all(import_)

    choices = choose(import_)

    # Reds is kept because Ann is; Blues because of the guest.
    assert names(choices) == [
        ("company", 1, [], ["referenced"]),
        ("company", 2, [], ["referenced"]),
        ("person", 1, ["last_name", "title"], ["changed"]),
        ("person", 3, ["title"], ["changed"]),
    ]
    assert choices.edits == 3
    assert choices.keeping.kept == {"company": 2, "person": 2}
    assert choices.discarding.kept == {"company": 1, "person": 0}
    assert choices.keeping.gone == choices.discarding.gone == {"company": 0, "person": 1}


def test_pages_are_the_nearest_ones(import_: Import) -> None:
    edit_all(import_)
    rows = names(choose(import_))

    assert [names(choose(import_, number, 3)) for number in (None, 1, 2, 9, "x")] == [
        rows[:3],
        rows[:3],
        rows[3:],
        rows[3:],
        rows[:3],
    ]


def test_all_conflicts_can_be_read(import_: Import) -> None:
    edit_all(import_)
    before = take_snapshot()

    found = read_conflicts(organization=import_.organization, import_id=import_.pk, read=list)

    assert found == choose(import_).page.object_list
    assert take_snapshot() == before


def test_the_tag_is_that_of_the_preview(import_: Import) -> None:
    tag = choose(import_).etag
    Company.objects.filter(name="Reds").update(description="Edited")

    assert choose(import_).etag != tag


@pytest.mark.parametrize("case", ["unknown", "other organization", "not run"])
def test_an_import_that_cannot_be_reverted_is_refused(acme: NewOrganization, import_: Import, case: str) -> None:
    refused: dict[str, tuple[Any, int, type[Exception]]] = {
        "unknown": (acme.organization, import_.pk + 1000, RecordNotFound),
        "other organization": (make_organization().organization, import_.pk, RecordNotFound),
        "not run": (acme.organization, make_import(creator=acme.person).pk, WrongState),
    }
    organization, import_id, error = refused[case]
    with pytest.raises(error):
        preview_choices(organization=organization, import_id=import_id, page_size=1)
    with pytest.raises(error):
        read_conflicts(organization=organization, import_id=import_id, read=list)
