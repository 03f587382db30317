"""An import of several chunks is one unit: an error in the last undoes the first, and all errors are reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from companies.models import Company
from importsvc.changelog.models import Change
from importsvc.engine.apply.write import RecordWriter
from importsvc.engine.parse import chunks
from importsvc.errors import InvalidAttribute
from importsvc.imports.rows import require_rows
from importsvc.imports.services import run_import
from importsvc.imports.services.planning import PlanOptions, plan_chunks
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_import
from tests.interleaving import Gate, threads
from tests.snapshots import take_snapshot

Writes = list[tuple[str, int]]


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> Writes:
    """The written chunks: the type and the number of rows of each; a chunk has at most two rows."""
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 2)
    made: Writes = []
    write: Callable[..., Any] = RecordWriter.write

    def spy(self: RecordWriter, planned: Any, **options: Any) -> Any:
        made.append((planned.importable.name, planned.row_count))
        return write(self, planned, **options)

    monkeypatch.setattr(RecordWriter, "write", spy)
    return made


def companies(count: int) -> list[dict[str, Any]]:
    return [{"name": f"C{number}"} for number in range(1, count + 1)]


def people(count: int, **cells: Any) -> list[dict[str, Any]]:
    return [{"first_name": f"P{number}", "email": f"p{number}@acme.test", **cells} for number in range(1, count + 1)]


def refuse(acme: NewOrganization, rows: Any) -> Any:
    """The refusal of the rows; checks that nothing is written."""
    import_ = make_import(creator=acme.person)
    before = take_snapshot()
    with pytest.raises(InvalidAttribute) as caught:
        run_import(organization=acme.organization, import_id=import_.pk, import_data=rows)
    assert take_snapshot() == before
    return caught.value.detail


def entry(row: int, column: str, message: str) -> dict[str, Any]:
    return {"row": row, "column": column, "messages": [message]}


def test_good_rows_are_written_chunk_by_chunk_as_one_import(acme: NewOrganization, writes: Writes) -> None:
    import_ = make_import(creator=acme.person)
    rows = {"company": companies(5), "person": people(3, company="c5")}

    run_import(organization=acme.organization, import_id=import_.pk, import_data=rows)

    assert writes == [("company", 2), ("company", 2), ("company", 1), ("person", 2), ("person", 1)]
    written = list(Change.objects.order_by("id").values_list("record_type", "row", "record_id"))
    made = list(Company.objects.filter(name__startswith="C").order_by("id"))
    assert written == [
        *(("company", row, company.pk) for row, company in enumerate(made, start=1)),
        *(
            ("person", row, person.pk)
            for row, person in enumerate(Person.objects.filter(company=made[-1]).order_by("id"), start=1)
        ),
    ]
    assert len({company.created_at for company in made}) == 1


def test_a_bad_row_in_the_last_chunk_undoes_all_chunks_and_every_error_is_reported(
    acme: NewOrganization, writes: Writes
) -> None:
    rows = {"person": [*people(5), {"last_name": "B", "email": "b"}]}

    assert refuse(acme, rows) == {
        "person": [entry(6, "first_name", "First name can't be blank"), entry(6, "email", "Email is not an email")]
    }
    assert writes == [("person", 2)] * 4  # by two attempts


def test_errors_of_chunks_after_the_first_bad_chunk_are_reported_too(acme: NewOrganization, writes: Writes) -> None:
    rows = {"company": [{}, *companies(5), {"name": "c1"}], "person": [*people(4), {"first_name": "P", "company": "X"}]}

    assert refuse(acme, rows) == {
        "company": [entry(1, "name", "Name can't be blank"), entry(7, "name", "Name has already been taken by row 2")],
        "person": [entry(5, "company", "Company must exist")],
    }
    assert writes == []


@pytest.mark.parametrize("again", ["p1@acme.test", "P1@ACME.TEST"])
def test_an_address_twice_in_different_chunks_is_refused_in_the_later_row(
    acme: NewOrganization, writes: Writes, again: str
) -> None:
    rows = {"person": [*people(4), {"first_name": "Bob", "email": again}, {"first_name": "Cid"}]}

    assert refuse(acme, rows) == {"person": [entry(5, "email", "Email has already been taken by row 1")]}
    # By an attempt that leaves the address to PostgreSQL, which refuses the third chunk, and by another one.
    assert writes == [("person", 2)] * (3 + 2)


def test_a_name_twice_in_different_chunks_is_refused_in_the_later_row(acme: NewOrganization, writes: Writes) -> None:
    rows = {"company": [*companies(4), {"name": "É"}, {"name": "c2"}, {"name": "é"}]}

    assert refuse(acme, rows) == {
        "company": [
            entry(6, "name", "Name has already been taken by row 2"),
            entry(7, "name", "Name has already been taken by row 5"),
        ]
    }
    assert writes == [("company", 2)] * 4  # by two attempts


def test_text_that_turns_out_not_to_be_json_undoes_the_chunks_before(acme: NewOrganization, writes: Writes) -> None:
    assert refuse(acme, '{"company": [{"name": "A"}, {"name": "B"}, {"name": "C"}, {"name": "D"}, nothing]}') == (
        "is not valid JSON: line 1 column 74: Expecting value"
    )


@pytest.mark.django_db(transaction=True)
def test_an_address_that_another_transaction_writes_between_two_chunks_is_taken(
    acme: NewOrganization, writes: Writes, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_ = make_import(creator=acme.person, import_data={"person": [{"first_name": "As it was"}]})
    gate = Gate(monkeypatch, RecordWriter, "write", after=True)

    with threads() as background:
        running = background.start(
            lambda: run_import(organization=acme.organization, import_id=import_.pk, import_data={"person": people(4)})
        )
        gate.wait()
        Person.objects.create(organization=acme.organization, first_name="By hand", email="P4@acme.test")
        gate.open()

    refusal = running.result()
    assert isinstance(refusal, InvalidAttribute)
    assert refusal.detail == {"person": [entry(4, "email", "Email has already been taken")]}
    assert set(Person.objects.values_list("first_name", flat=True)) == {"Ada", "By hand"}


@pytest.mark.parametrize("times", [0, 1, 2, 5])
def test_the_plan_is_the_same_however_much_of_it_was_prepared(
    acme: NewOrganization, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 2)
    rows = require_rows({"company": companies(5), "person": people(5, company="C5")})
    planned = []

    for step in plan_chunks(rows, PlanOptions(acme.organization.pk, "error")):
        planned.append((step.planned.importable.name, list(step.planned.created.rows), step.planned.errors))
        for _ in range(times):
            step.prepare_next()

    rows_of_chunks = [[1, 2], [3, 4], [5]]
    assert planned == [(name, numbers, []) for name in ("company", "person") for numbers in rows_of_chunks]
