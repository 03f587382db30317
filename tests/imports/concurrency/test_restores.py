"""Restoring records during concurrent writes: a committed edit is a conflict, and none is overwritten unseen."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from companies.models import Company
from importsvc.engine.revert import revert as undo_module
from importsvc.imports.errors import RevertConflict
from importsvc.imports.models import Import
from importsvc.imports.services import OnConflict
from people.models import Person
from tests.builders import make_import
from tests.imports.revert_cases import company, person
from tests.imports.steps import revert
from tests.interleaving import Gate, threads

pytestmark = pytest.mark.django_db(transaction=True)


def reasons(refusal: Any) -> list[str]:
    assert isinstance(refusal, RevertConflict)
    assert refusal.meta
    return [conflict["reason"] for conflict in refusal.meta["conflicts"]]


@pytest.mark.parametrize("on_conflict", ["refuse", "keep", "discard"])
def test_an_edit_that_is_not_committed_yet_is_waited_for(import_: Import, on_conflict: OnConflict) -> None:
    with threads() as background, transaction.atomic():
        Person.objects.filter(first_name="Zoe").update(title="Sir")
        reverting = background.start_blocked(lambda: revert(import_, on_conflict=on_conflict))
    # The transaction ends before the threads do.

    zoe = person("Zoe")
    if on_conflict == "refuse":
        assert reasons(reverting.result()) == ["changed"]
        assert (zoe.title, zoe.company) == ("Sir", company("Reds"))
    else:
        assert reverting.result().kept == {"company": 0, "person": 1 if on_conflict == "keep" else 0}
        assert (zoe.title, zoe.company) == ("Sir" if on_conflict == "keep" else "Ms", company("Old"))


def test_an_edit_of_another_column_is_waited_for_and_stays(import_: Import) -> None:
    with threads() as background, transaction.atomic():
        Person.objects.filter(first_name="Zoe").update(role_id=7)
        reverting = background.start_blocked(lambda: revert(import_))

    assert reverting.result().restored == {"company": 0, "person": 1}
    assert (person("Zoe").title, person("Zoe").role_id) == ("Ms", 7)


def test_an_edit_that_waits_for_the_revert_is_applied_after_it(
    import_: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch, undo_module, "apply_change_values")

    with threads() as background:
        reverting = background.start(lambda: revert(import_))
        gate.wait()
        writing = background.start_blocked(lambda: Person.objects.filter(first_name="Zoe").update(last_name="Ray"))
        gate.open()

    assert reverting.result().restored == {"company": 0, "person": 1}
    assert writing.result() == 1
    assert (person("Zoe").title, person("Zoe").last_name) == ("Ms", "Ray")


def test_a_reference_to_a_record_being_restored_waits_for_no_lock(
    import_: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch, undo_module, "apply_change_values")

    with threads() as background:
        reverting = background.start(lambda: revert(import_))
        gate.wait()
        make_import(creator=person("Zoe"))
        gate.open()

    assert reverting.result().restored == {"company": 0, "person": 1}


@pytest.mark.parametrize("on_conflict", ["refuse", "keep"])
def test_a_previous_company_deleted_at_the_last_moment_is_a_conflict(
    import_: Import, monkeypatch: pytest.MonkeyPatch, on_conflict: OnConflict
) -> None:
    gate = Gate(monkeypatch, undo_module, "apply_change_values")

    with threads() as background:
        reverting = background.start(lambda: revert(import_, on_conflict=on_conflict))
        gate.wait()
        Company.objects.get(name="Old").delete()
        gate.open()

    # The database refuses the update, and the revert is repeated with a new decision.
    zoe = person("Zoe")
    if on_conflict == "refuse":
        assert reasons(reverting.result()) == ["reference_gone"]
        assert (zoe.title, zoe.company) == ("Prof", company("Reds"))
    else:
        assert reverting.result().kept == {"company": 1, "person": 1}
        assert (zoe.title, zoe.company) == ("Ms", company("Reds"))


def test_a_revert_that_fails_in_the_middle_leaves_no_trace_in_the_change_log(
    import_: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    Person.objects.filter(first_name="Ann").update(title="Sir")
    change_log = list(import_.changes.order_by("id").values())

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(undo_module, "remove_records", fail)
        with pytest.raises(RuntimeError):
            revert(import_, on_conflict="keep")

    assert list(import_.changes.order_by("id").values()) == change_log
    assert revert(import_, on_conflict="keep").kept == {"company": 1, "person": 1}
