"""Imports that update records during concurrent writes: a plan only overwrites the values it has read."""

from __future__ import annotations

from typing import Any

import pytest

from companies.models import Company
from importsvc.changelog.models import Change
from importsvc.engine.apply.write import RecordWriter
from importsvc.engine.plan.etag import PlanEtag
from importsvc.errors import PreconditionFailed
from importsvc.imports.models import Import
from importsvc.imports.services import create_import, importing, planning, preview_import, previewing, run_import
from organizations.models import Organization
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_person
from tests.imports.steps import run, stage
from tests.interleaving import Gate, threads

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ann(acme: NewOrganization) -> Person:
    return make_person(organization=acme.organization, email="ann@acme.test", title="Boss")


def stage_title(acme: NewOrganization, title: str) -> Import:
    rows = {"person": [{"email": "ANN@acme.test", "title": title}, {"first_name": "Bob", "email": "bob@acme.test"}]}
    return stage(acme, rows, on_duplicate="update")


def edit(ann: Person, **values: Any) -> int:
    return Person.objects.filter(pk=ann.pk).update(**values)


def titles(import_: Import) -> list[tuple[Any, Any]]:
    changes = Change.objects.filter(import_record=import_, action="updated")
    return [((change.before or {})["title"], (change.after or {})["title"]) for change in changes]


def test_an_edit_waits_until_the_import_is_done_and_comes_after_it(
    acme: NewOrganization, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_ = stage_title(acme, "Chief")
    gate = Gate(monkeypatch, RecordWriter, "write")

    with threads() as background:
        imported = background.start(lambda: run(import_))
        gate.wait()
        edited = background.start_blocked(lambda: edit(ann, title="Chair"))
        gate.open()

    assert (imported.result().counts["person"]["updated"], edited.result()) == (1, 1)
    ann.refresh_from_db()
    assert (ann.title, titles(import_)) == ("Chair", [("Boss", "Chief")])


def test_an_uncommitted_edit_is_waited_for_and_is_the_previous_value_in_the_change_log(
    acme: NewOrganization, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_ = stage_title(acme, "Chief")
    gate = Gate(monkeypatch, importing, "plan_chunks")

    with threads() as background:
        imported = background.start(lambda: run(import_))
        gate.wait()
        edit(ann, title="Chair")
        gate.open()

    assert imported.result().processed_at
    ann.refresh_from_db()
    assert (ann.title, titles(import_)) == ("Chief", [("Chair", "Chief")])


def test_a_record_deleted_meanwhile_is_created_anew_or_stays_until_the_import_is_done(
    acme: NewOrganization, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    Person.objects.filter(pk=ann.pk).update(first_name="Ann")
    rows = {"person": [{"email": "ANN@acme.test", "first_name": "Ann", "title": "Chief"}]}
    import_ = create_import(
        organization=acme.organization, creator=acme.person, import_data=rows, on_duplicate="update"
    )
    gate = Gate(monkeypatch, planning, "read_lookups", after=True)

    with threads() as background:
        imported = background.start(lambda: run(import_))
        gate.wait()
        gone = background.start_blocked(lambda: Person.objects.filter(pk=ann.pk).delete())
        gate.open()

    assert imported.result().counts == {"person": {"created": 0, "updated": 1, "unchanged": 0, "skipped": 0}}
    assert gone.result()[0] == 1
    assert titles(import_) == [("Boss", "Chief")]


def test_two_imports_of_one_record_run_one_after_the_other(
    acme: NewOrganization, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = stage_title(acme, "Chief"), stage_title(acme, "Chair")
    gate = Gate(monkeypatch, RecordWriter, "write", after=True)

    with threads() as background:
        first = background.start(lambda: run(one))
        gate.wait()
        second = background.start_blocked(lambda: run(other))
        gate.open()

    assert first.result().counts == {"person": {"created": 1, "updated": 1, "unchanged": 0, "skipped": 0}}
    assert second.result().counts == {"person": {"created": 0, "updated": 1, "unchanged": 1, "skipped": 0}}
    assert (titles(one), titles(other)) == ([("Boss", "Chief")], [("Chief", "Chair")])


def test_an_edit_between_preview_and_run_is_never_lost(
    acme: NewOrganization, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_ = stage_title(acme, "Chief")
    tag = preview_import(organization=acme.organization, import_id=import_.pk).etag
    gate = Gate(monkeypatch, importing, "make_etag")

    with threads() as background:
        imported = background.start(lambda: run(import_, if_match=[tag]))
        gate.wait()
        edit(ann, title="Chair")
        gate.open()

    assert isinstance(imported.result(), PreconditionFailed)
    ann.refresh_from_db()
    assert (ann.title, titles(import_)) == ("Chair", [])
    assert Import.objects.get(pk=import_.pk).processed_at is None


@pytest.mark.parametrize(("owner", "name"), [(planning, "read_lookups"), (PlanEtag, "add"), (previewing, "read_diffs")])
@pytest.mark.parametrize("after", [False, True])
def test_a_preview_of_a_value_edited_meanwhile_has_a_tag_that_does_not_match(
    acme: NewOrganization, ann: Person, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, after: bool
) -> None:
    import_ = stage_title(acme, "Chief")
    gate = Gate(monkeypatch, owner, name, after=after)

    with threads() as background:
        seen = background.start(lambda: preview_import(organization=import_.organization, import_id=import_.pk))
        gate.wait()
        edit(ann, title="Chair")
        gate.open()
        preview = seen.result()

    shown = [change.before["title"] for change in preview.changes[:] if change.before]
    holds = preview.etag == preview_import(organization=import_.organization, import_id=import_.pk).etag
    assert (shown, holds) in ((["Chair"], True), (["Chair"], False), (["Boss"], False))


def test_defaults_are_those_that_the_organization_has_when_the_run_begins(
    acme: NewOrganization,
) -> None:
    rows = {"company": [{"name": "Reds"}]}
    import_ = create_import(organization=acme.organization, creator=acme.person, import_data=rows)
    tag = preview_import(organization=acme.organization, import_id=import_.pk).etag
    Organization.objects.filter(pk=acme.organization.pk).update(default_currency="CHF")

    # The caller's object has the organization's values from the start of the request.
    with pytest.raises(PreconditionFailed):
        run_import(organization=acme.organization, import_id=import_.pk, if_match=[tag])
    run_import(organization=acme.organization, import_id=import_.pk)

    assert Company.objects.get(name="Reds").default_currency == "CHF"
