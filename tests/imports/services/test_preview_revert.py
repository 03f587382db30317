"""The preview of a revert shows its effect, record by record."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from companies.models import Company
from importsvc.changelog.models import Change
from importsvc.engine.revert.conflicts import Conflict, Reason
from importsvc.engine.revert.preview import UndoChange
from importsvc.engine.schema import registry
from importsvc.errors import Conflict as Refusal
from importsvc.errors import RecordNotFound
from importsvc.imports.errors import WrongState
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services import (
    preview_revert,
    revert_import,
)
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_import, make_organization, make_person
from tests.imports.revert_cases import UNTOUCHED, company, person, preview
from tests.imports.steps import import_rows

pytestmark = pytest.mark.django_db


def change(import_: Import, record: Any, action: str, outcome: str, **expected: Any) -> UndoChange:
    entry = Change.objects.get(
        import_record=import_, record_type="person" if isinstance(record, Person) else "company", record_id=record.pk
    )
    assert entry.action == action
    return UndoChange(entry, outcome, **expected)


def test_without_edits_everything_would_be_undone(import_: Import) -> None:
    made = preview(import_)

    assert made.counts == UNTOUCHED
    assert made.changes[:] == [
        change(import_, company("Reds"), "created", "removed"),
        change(import_, company("Blues"), "created", "removed"),
        change(import_, person("Ann"), "created", "removed"),
        change(import_, person("Bob"), "created", "removed"),
        change(import_, person("Zoe"), "updated", "restored", fields=("company_id", "title")),
    ]
    revert = revert_import(organization=import_.organization, import_id=import_.pk, if_match=[made.etag])
    assert (revert.removed, revert.restored) == ({"company": 2, "person": 2}, {"company": 0, "person": 1})


def test_every_conflict_of_a_record_is_shown(acme: NewOrganization, import_: Import) -> None:
    ann, zoe, reds, blues = person("Ann"), person("Zoe"), company("Reds"), company("Blues")
    Person.objects.filter(pk=ann.pk).update(title="Sir", last_name="Ray")
    Person.objects.filter(pk=zoe.pk).update(title=None)
    Company.objects.filter(pk=blues.pk).update(due_days=7)
    first, _ = (make_person(organization=acme.organization, company=blues) for _ in range(2))
    bob = person("Bob")
    bob_change = change(import_, bob, "created", "gone")
    bob.delete()

    made = preview(import_)

    assert made.counts == {
        "company": {"removed": 1, "restored": 0, "conflict": 1, "gone": 0},
        "person": {"removed": 0, "restored": 0, "conflict": 2, "gone": 1},
    }
    assert made.changes[:] == [
        change(import_, reds, "created", "removed"),
        change(
            import_,
            blues,
            "created",
            "conflict",
            conflicts=(
                Conflict(Company, blues.pk, 2, Reason.CHANGED, ("due_days",), {"due_days": None}, {"due_days": 7}),
                Conflict(Company, blues.pk, 2, Reason.REFERENCED, referenced_by=("people", first.pk)),
            ),
        ),
        change(
            import_,
            ann,
            "created",
            "conflict",
            conflicts=(
                Conflict(
                    Person,
                    ann.pk,
                    1,
                    Reason.CHANGED,
                    ("last_name", "title"),
                    {"last_name": None, "title": None},
                    {"last_name": "Ray", "title": "Sir"},
                ),
            ),
        ),
        bob_change,
        change(
            import_,
            zoe,
            "updated",
            "conflict",
            fields=("company_id",),
            conflicts=(Conflict(Person, zoe.pk, 3, Reason.CHANGED, ("title",), {"title": "Prof"}, {"title": None}),),
        ),
    ]


def test_values_that_cannot_be_restored_are_shown_with_the_reason(import_: Import) -> None:
    old, zoe = company("Old"), person("Zoe")
    old_id = old.pk
    old.delete()

    made = preview(import_)

    assert made.counts["person"] == {"removed": 2, "restored": 0, "conflict": 1, "gone": 0}
    gone = Conflict(Person, zoe.pk, 3, Reason.REFERENCE_GONE, ("company_id",), then={"company_id": old_id})
    assert made.changes[:][4] == change(import_, zoe, "updated", "conflict", fields=("title",), conflicts=(gone,))


def test_pages_of_a_preview_are_parts_of_the_whole(import_: Import) -> None:
    Person.objects.filter(first_name="Ann").update(title="Sir")
    made = preview(import_)
    everything = made.changes[:]

    assert len(made.changes) == 5
    assert [made.changes[start : start + 2] for start in (0, 2, 4, 6)] == [
        everything[:2],
        everything[2:4],
        everything[4:],
        [],
    ]


def test_a_page_costs_a_fixed_number_of_queries_when_it_is_read(acme: NewOrganization) -> None:
    made = preview(import_rows(acme, {"person": [{"first_name": f"P{number}"} for number in range(50)]}))
    Person.objects.filter(first_name__in=["P0", "P7"]).update(title="Dr")

    with CaptureQueriesContext(connection) as one:
        made.changes[:1]
    with CaptureQueriesContext(connection) as all_of_them:
        outcomes = [each.outcome for each in made.changes[:]]

    assert [number for number, outcome in enumerate(outcomes) if outcome == "conflict"] == [0, 7]
    assert len(one) == len(all_of_them)


@pytest.mark.parametrize("state", [ImportState.CREATED, ImportState.REVERTED])
def test_only_an_import_that_can_be_reverted_has_a_preview(acme: NewOrganization, state: ImportState) -> None:
    other = make_import(creator=acme.person, state=state)

    with pytest.raises(WrongState, match=f"^The import is in state '{state}' and cannot be reverted$"):
        preview_revert(organization=acme.organization, import_id=other.pk)


def test_imports_of_another_organization_do_not_exist(import_: Import) -> None:
    with pytest.raises(RecordNotFound):
        preview_revert(organization=make_organization().organization, import_id=import_.pk)


def test_records_of_an_unregistered_type_have_no_preview(import_: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_importables", {"company": registry.get("company")})

    with pytest.raises(Refusal, match=r"^Records of type 'person' cannot be imported or reverted any more$"):
        preview_revert(organization=import_.organization, import_id=import_.pk)


def test_an_import_that_wrote_nothing_has_an_empty_preview(acme: NewOrganization) -> None:
    made = preview(make_import(creator=acme.person, state=ImportState.PROCESSED))

    assert (made.counts, made.changes[:], len(made.changes)) == ({}, [], 0)
