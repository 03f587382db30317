"""A slice of the changes of an import is a part of all, whatever is in chunks."""

from __future__ import annotations

from typing import Any

import pytest

from importsvc.changelog.listing import ChangeSequence
from importsvc.changelog.models import Change, CreatedChunk
from importsvc.engine.parse import chunks
from importsvc.engine.revert.changes import Query, read_type_changes
from importsvc.engine.revert.unpacking import unpack_changes
from importsvc.imports.models import Import
from people.services import NewOrganization
from tests.builders import make_person
from tests.imports.steps import import_rows


@pytest.fixture
def import_(acme: NewOrganization, monkeypatch: pytest.MonkeyPatch) -> Import:
    """An import of chunks of three rows, which update some records and create others; two are unpacked."""
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 3)
    for number in (2, 5, 6, 14):
        make_person(organization=acme.organization, first_name=f"Old {number}", email=f"p{number}@acme.test")
    people = [{"first_name": f"P{number}", "email": f"p{number}@acme.test"} for number in range(17)]
    companies = [{"name": f"C{number}"} for number in range(5)]
    other = import_rows(acme, {"person": [{"first_name": "Ann", "email": "ann@acme.test"}]})
    assert other.changes.count() == 1
    imported = import_rows(acme, {"person": people, "company": companies}, on_duplicate="update")
    for of_type in read_type_changes(organization_id=acme.organization.pk, import_id=imported.pk):
        if of_type.importable.name == "person":
            created = of_type.by_action["created"]
            some = [change.record_id for change in imported.changes.filter(row__in=[4, 13], record_type="person")]
            assert len(some) == 2
            unpack_changes(created, Query("SELECT unnest(%s) AS record_id", [some]))
    assert CreatedChunk.objects.filter(import_record=imported).count() > 5
    return imported


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("is_reversed", [False, True])
@pytest.mark.parametrize(
    ("order", "filters"),
    [
        ("id", {}),
        ("id", {"record_types": ["person"]}),
        ("id", {"record_types": ["company", "person"], "actions": ["created"]}),
        ("id", {"actions": ["updated"]}),
        ("id", {"record_types": ["deal"]}),
        ("record_id", {"record_types": ["person"]}),
        ("record_id", {"record_types": ["company"]}),
        ("record_id", {"record_types": ["person"], "actions": ["created", "updated"]}),
    ],
)
def test_slices_are_parts_of_the_whole(
    import_: Import, order: Any, filters: dict[str, Any], is_reversed: bool, size: int
) -> None:
    changes = Change.objects.of_import(organization_id=import_.organization_id, import_id=import_.pk)
    fields = {"record_types": "record_type__in", "actions": "action__in"}
    whole = list(changes.filter(**{fields[name]: words for name, words in filters.items()}).order_by(order))
    if is_reversed:
        whole.reverse()

    listed = ChangeSequence(
        organization_id=import_.organization_id, import_id=import_.pk, order=order, is_reversed=is_reversed, **filters
    )

    assert len(listed) == listed.count() == len(whole)
    for start in range(0, len(whole) + 1, size):
        part = listed[start : start + size]
        assert [vars_of(change) for change in part] == [vars_of(change) for change in whole[start : start + size]]


def test_the_changes_of_another_organization_are_not_listed(import_: Import, globex: NewOrganization) -> None:
    listed = ChangeSequence(organization_id=globex.organization.pk, import_id=import_.pk)
    assert (len(listed), listed[:10]) == (0, [])


def vars_of(change: Change) -> dict[str, Any]:
    return {name: value for name, value in vars(change).items() if name != "_state"}
