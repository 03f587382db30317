"""A run leaves it to the unique constraints to refuse values that are taken, and then reports all row errors."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from importsvc.engine.parse import chunks
from importsvc.imports.errors import RowsInvalid
from importsvc.imports.models import Import
from importsvc.imports.services import run_import
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_import, make_person
from tests.snapshots import take_snapshot

LOOKUP = 'FROM "people_person" WHERE organization_id = '


@pytest.fixture
def import_(acme: NewOrganization, monkeypatch: pytest.MonkeyPatch) -> Import:
    """An import; chunks have two rows."""
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 2)
    return make_import(creator=acme.person)


def run(import_: Import, people: list[dict[str, Any]], **fields: Any) -> int:
    """Run the import with these rows, and return the number of lookups of e-mail addresses."""
    with CaptureQueriesContext(connection) as queries:
        run_import(organization=import_.organization, import_id=import_.pk, import_data={"person": people}, **fields)
    return sum(LOOKUP in query["sql"] for query in queries)


def people_of(*names: str) -> list[dict[str, Any]]:
    return [{"first_name": name, "email": f"{name}@acme.test"} for name in names]


def test_values_of_new_records_are_not_looked_up(import_: Import) -> None:
    assert run(import_, people_of("ann", "bob", "cid", "dan", "éva")) == 0
    assert Person.objects.filter(first_name__in=["ann", "bob", "cid", "dan", "éva"]).count() == 5


@pytest.mark.parametrize("on_duplicate", ["skip", "update"])
def test_values_by_which_rows_match_are_looked_up(import_: Import, on_duplicate: str) -> None:
    assert run(import_, people_of("ann", "bob"), on_duplicate=on_duplicate) > 0


def test_all_row_errors_are_reported_wherever_the_first_one_is(acme: NewOrganization, import_: Import) -> None:
    make_person(organization=acme.organization, email="Ann@acme.test")
    make_person(organization=acme.organization, email="éva@acme.test")
    people = people_of("ann", "bob", "cid", "dan", "ÉVA", "bob")
    people[3]["first_name"] = ""
    before = take_snapshot()

    for rows in (people, [people[1], people[3], people[2], people[0], people[4], people[5]]):
        with pytest.raises(RowsInvalid) as caught:
            run(import_, rows)
        detail: Any = caught.value.detail
        (of_people,) = detail.values()
        expected = {
            number
            for number, row in enumerate(rows, start=1)
            if row["email"] in ("ann@acme.test", "ÉVA@acme.test") or row["first_name"] == "" or number == len(rows)
        }
        assert {int(str(error["row"])) for error in of_people} == expected
        assert take_snapshot() == before


def test_row_errors_are_passed_on_once(acme: NewOrganization, import_: Import) -> None:
    make_person(organization=acme.organization, email="dan@acme.test")
    people = people_of("ann", "bob", "cid", "dan")
    people[0]["first_name"] = ""
    told: list[tuple[int, list[int]]] = []

    with pytest.raises(RowsInvalid):
        run(
            import_,
            people,
            on_errors=lambda chunk, _, errors: told.append((chunk.first_row, [error.row for error in errors])),
        )

    assert told == [(1, [1]), (3, [4])]


def test_rows_that_are_left_out_because_of_their_errors_are_found_at_once(
    acme: NewOrganization, import_: Import
) -> None:
    make_person(organization=acme.organization, email="bob@acme.test")

    assert run(import_, people_of("ann", "bob", "cid"), on_row_error="skip") > 0
    assert sorted(Person.objects.filter(first_name__in=["ann", "cid"]).values_list("first_name", flat=True)) == [
        "ann",
        "cid",
    ]
