"""A revert on the condition that the tag of its preview still matches, with a policy for conflicts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.utils import timezone

from companies.models import Company
from importsvc.engine.revert import preview as preview_module
from importsvc.engine.revert import revert as undo_module
from importsvc.errors import Conflict, PreconditionFailed
from importsvc.imports.actors import Actor
from importsvc.imports.errors import RevertConflict
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services import (
    OnConflict,
    preview_revert,
    revert_import,
)
from people.models import Person
from people.services import NewOrganization, create_token
from tests.builders import make_person
from tests.imports.revert_cases import UNTOUCHED, company, person, preview
from tests.interleaving import Gate, threads
from tests.snapshots import take_snapshot

pytestmark = pytest.mark.django_db


def write_nothing(acme: NewOrganization) -> None:
    pass


def be_seen(acme: NewOrganization) -> None:
    Person.objects.update(last_seen_at=timezone.now())


def write_elsewhere(acme: NewOrganization) -> None:
    make_person(organization=acme.organization, first_name="Eve", company=company("Old"))
    Company.objects.filter(name="Old").update(due_days=7)


def edit_a_created_record(acme: NewOrganization) -> None:
    Person.objects.filter(first_name="Bob").update(role_id=7)


def edit_a_field_of_an_updated_record(acme: NewOrganization) -> None:
    Person.objects.filter(first_name="Zoe").update(title="Sir")


def edit_another_field_of_an_updated_record(acme: NewOrganization) -> None:
    Person.objects.filter(first_name="Zoe").update(role_id=7)


def remove_a_record(acme: NewOrganization) -> None:
    Person.objects.filter(first_name="Bob").delete()


def refer_to_a_created_record(acme: NewOrganization) -> None:
    make_person(organization=acme.organization, first_name="Eve", company=company("Blues"))


def refer_to_a_created_record_by_a_token(acme: NewOrganization) -> None:
    create_token(person=person("Bob"))


@pytest.mark.parametrize("write", [write_nothing, be_seen, write_elsewhere])
def test_the_tag_stays_the_same_after_an_irrelevant_write(
    acme: NewOrganization, import_: Import, write: Callable[[NewOrganization], None]
) -> None:
    tag = preview(import_).etag
    write(acme)

    assert preview(import_).etag == tag
    assert len(tag) == 32
    assert revert_import(organization=acme.organization, import_id=import_.pk, if_match=["old", tag]).removed


@pytest.mark.parametrize("on_conflict", ["refuse", "keep", "discard"])
@pytest.mark.parametrize(
    "write",
    [
        edit_a_created_record,
        edit_a_field_of_an_updated_record,
        edit_another_field_of_an_updated_record,
        remove_a_record,
        refer_to_a_created_record,
        refer_to_a_created_record_by_a_token,
    ],
)
def test_a_relevant_write_after_the_preview_makes_its_tag_outdated(
    acme: NewOrganization, import_: Import, write: Callable[[NewOrganization], None], on_conflict: OnConflict
) -> None:
    tag = preview(import_).etag
    write(acme)
    before = take_snapshot()

    with pytest.raises(PreconditionFailed):
        revert_import(organization=acme.organization, import_id=import_.pk, if_match=[tag], on_conflict=on_conflict)

    assert take_snapshot() == before
    assert preview(import_).etag != tag


def test_a_star_matches_any_state_and_an_empty_list_matches_none(acme: NewOrganization, import_: Import) -> None:
    with pytest.raises(PreconditionFailed):
        revert_import(organization=acme.organization, import_id=import_.pk, if_match=[])
    assert revert_import(organization=acme.organization, import_id=import_.pk, if_match=["*"]).removed


def test_an_edit_after_the_preview_is_a_conflict_without_its_tag(acme: NewOrganization, import_: Import) -> None:
    assert preview(import_).counts == UNTOUCHED
    edit_a_created_record(acme)

    with pytest.raises(RevertConflict):
        revert_import(organization=acme.organization, import_id=import_.pk)


@pytest.mark.django_db(transaction=True)
def test_an_edit_while_the_preview_is_made_makes_its_tag_outdated(
    acme: NewOrganization, import_: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch, preview_module, "find_obstacles")

    with threads() as background:
        previewing = background.start(lambda: preview_revert(organization=acme.organization, import_id=import_.pk))
        gate.wait()
        edit_a_created_record(acme)
        gate.open()

    made = previewing.result()
    assert made.counts["person"]["conflict"] == 1
    with pytest.raises(PreconditionFailed):
        revert_import(organization=acme.organization, import_id=import_.pk, if_match=[made.etag], on_conflict="keep")


@pytest.mark.django_db(transaction=True)
def test_a_preview_waits_for_no_lock(acme: NewOrganization, import_: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch, undo_module, "remove_records")

    with threads() as background:
        reverting = background.start(lambda: revert_import(organization=acme.organization, import_id=import_.pk))
        gate.wait()
        made = preview_revert(organization=acme.organization, import_id=import_.pk)
        gate.open()

    assert made.counts == UNTOUCHED
    assert reverting.result().removed == {"company": 2, "person": 2}


@pytest.mark.django_db(transaction=True)
def test_an_edit_that_the_revert_waits_for_makes_the_tag_outdated(acme: NewOrganization, import_: Import) -> None:
    tag = preview(import_).etag

    with threads() as background, transaction.atomic():
        edit_another_field_of_an_updated_record(acme)
        reverting = background.start_blocked(
            lambda: revert_import(organization=acme.organization, import_id=import_.pk, if_match=[tag])
        )

    assert isinstance(reverting.result(), PreconditionFailed)
    assert Import.objects.get(pk=import_.pk).state == ImportState.PROCESSED


def test_a_revert_stores_its_actor_and_reports_kept_records(acme: NewOrganization, import_: Import) -> None:
    edit_a_field_of_an_updated_record(acme)
    remove_a_record(acme)

    revert = revert_import(
        organization=acme.organization,
        import_id=import_.pk,
        on_conflict="keep",
        actor=Actor(kind="operator", name="root"),
    )

    assert (revert.removed, revert.restored) == ({"company": 2, "person": 1}, {"company": 0, "person": 0})
    assert (revert.kept, revert.gone) == ({"company": 0, "person": 1}, {"company": 0, "person": 1})
    stored = Import.objects.get(pk=import_.pk)
    assert (stored.state, stored.reverted_by) == (
        ImportState.REVERTED,
        {"kind": "operator", "name": "root", "id": None},
    )


@pytest.mark.parametrize("on_conflict", ["refuse", "keep", "discard"])
@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE people_person ADD CHECK (title <> 'Ms') NOT VALID",
        "ALTER TABLE people_person ALTER COLUMN title TYPE char(1) USING 'x'",
    ],
)
def test_a_revert_is_refused_if_the_table_no_longer_accepts_previous_values(
    acme: NewOrganization, import_: Import, sql: str, on_conflict: OnConflict
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(sql)
    before = take_snapshot()

    with pytest.raises(Conflict):
        revert_import(organization=acme.organization, import_id=import_.pk, on_conflict=on_conflict)

    assert take_snapshot() == before
