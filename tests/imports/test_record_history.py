"""The history of a record names every import that wrote it, and what each revert made of that."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from importsvc.imports.actors import Actor, read_actor
from importsvc.imports.models import Import
from importsvc.imports.record_history import RecordEvent, find_imports_by_record, read_record_history
from importsvc.imports.services import revert_import
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_person
from tests.imports.steps import import_rows

pytestmark = pytest.mark.django_db

# What a revert of the import can undo, as long as it was not reverted.
DONE = ("Created by", "Updated by")
GRACE = Actor("operator", "grace")


def history_of(person: Person) -> list[RecordEvent]:
    history = read_record_history(organization_id=person.organization_id, record_type="person", record_id=person.pk)
    return history.events


def event(what: str, import_: Import, at: datetime | None, actor: Actor | None = None, **values: Any) -> RecordEvent:
    assert at is not None
    return RecordEvent(at, what, import_.pk, actor or read_actor(import_.processed_by), values, what in DONE)


def revert(caller: NewOrganization, import_: Import, **options: Any) -> Import:
    revert_import(organization=caller.organization, import_id=import_.pk, actor=GRACE, **options)
    return Import.objects.get(pk=import_.pk)


def test_every_import_that_wrote_the_record_is_named_with_the_values(acme: NewOrganization) -> None:
    first = import_rows(acme, {"person": [{"first_name": "Ann", "email": "ann@acme.test", "title": "Clerk"}]})
    ann = Person.objects.get(email="ann@acme.test")
    second = import_rows(acme, {"person": [{"email": "ANN@acme.test", "title": "Boss"}]}, on_duplicate="update")
    import_rows(acme, {"person": [{"first_name": "Bob", "email": "bob@acme.test"}]})

    assert history_of(ann) == [
        event(
            "Updated by",
            second,
            second.processed_at,
            email=("ann@acme.test", "ANN@acme.test"),
            title=("Clerk", "Boss"),
        ),
        event(
            "Created by",
            first,
            first.processed_at,
            email=(None, "ann@acme.test"),
            first_name=(None, "Ann"),
            title=(None, "Clerk"),
        ),
    ]

    second = revert(acme, second)

    assert history_of(ann)[0] == event(
        "Restored by the revert of",
        second,
        second.reverted_at,
        GRACE,
        email=("ANN@acme.test", "ann@acme.test"),
        title=("Boss", "Clerk"),
    )
    assert [each.is_revertible for each in history_of(ann)] == [False, False, True]


def test_a_revert_that_kept_an_edit_restores_the_other_values(acme: NewOrganization) -> None:
    ann = make_person(organization=acme.organization, email="ann@acme.test", title="Clerk", last_name="Lee")
    rows = [{"email": "ann@acme.test", "title": "Boss", "last_name": "Li"}]
    import_ = import_rows(acme, {"person": rows}, on_duplicate="update")
    Person.objects.filter(pk=ann.pk).update(title="Edited")

    import_ = revert(acme, import_, on_conflict="keep")

    assert history_of(ann)[0] == event(
        "Kept by the revert of", import_, import_.reverted_at, GRACE, last_name=("Li", "Lee")
    )


def test_a_record_that_no_import_wrote_has_no_history(acme: NewOrganization, globex: NewOrganization) -> None:
    import_rows(acme, {"person": [{"first_name": "Ann"}]})
    ann = Person.objects.get(first_name="Ann")

    assert history_of(acme.person) == []
    of_globex = read_record_history(organization_id=globex.organization.pk, record_type="person", record_id=ann.pk)
    assert of_globex == ([], [])


def test_imports_are_found_by_the_match_key_of_a_record_that_they_wrote(
    acme: NewOrganization, globex: NewOrganization
) -> None:
    rows = {"person": [{"first_name": "Ann", "email": "ann@acme.test"}], "company": [{"name": "Žuti"}]}
    first, other = import_rows(acme, rows), import_rows(globex, rows)
    import_rows(acme, {"person": [{"first_name": "Bob", "email": "bob@acme.test"}]})

    assert find_imports_by_record("ANN@acme.test") == {first.pk, other.pk}
    assert find_imports_by_record("žuTI") == {first.pk, other.pk}
    assert find_imports_by_record("ann@acme") == set()
