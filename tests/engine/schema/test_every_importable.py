"""What holds for every importable type, tested with rows that are made from its declaration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from django.forms.models import model_to_dict
from django.test import Client

from importsvc.engine.errors import label
from importsvc.engine.parse import cells
from importsvc.engine.schema import registry
from importsvc.engine.schema.importable import Column, Importable, Reference
from importsvc.imports.errors import RowsInvalid
from importsvc.imports.services import get_resource_type
from importsvc.urls import router
from people.services import NewOrganization
from tests.admin_pages import (
    read,
    url_of,
)
from tests.engine.updates import IMPORT_TABLES
from tests.imports.steps import import_rows, revert, stage
from tests.snapshots import Snapshot, take_snapshot


@dataclass(frozen=True)
class Cell:
    """A cell that a cleaner takes, what it makes of it, and one that it refuses.

    Attributes:
        given: a cell that is neither blank nor the default.
        stored: the value of the record.
        refused: an invalid cell, and its problem.
    """

    given: Any
    stored: Any
    refused: tuple[Any, str]


CELLS: dict[Callable[[object], Any], Cell] = {
    cells.text: Cell(" Reds ", "Reds", (["no text"], "must be text")),
    cells.long_text: Cell("Red\nand white", "Red\nand white", (["no text"], "must be text")),
    cells.email: Cell("Ann@Reds.test", "Ann@Reds.test", ("ann", "is not an email")),
    cells.currency: Cell("eur", "EUR", ("Euro", "is not a currency code")),
    cells.whole_number: Cell("30", 30, ("soon", "must be a whole number")),
    cells.money: Cell("1234.50", Decimal("1234.50"), ("a lot", "must be an amount")),
    cells.tags: Cell("a, b", ["a", "b"], ({}, "must be a list of text, or text with commas between")),
    cells.json_object: Cell({"1": [1.5, None]}, {"1": [1.5, None]}, ([], "must be an object")),
}


def cell_of(column: Column) -> Cell:
    if column.clean not in CELLS:
        pytest.fail(f"No example of a cell for {column.clean.__qualname__} is in CELLS of {__file__}: add one")
    return CELLS[column.clean]


def minimal_row(importable: Importable) -> dict[str, Any]:
    """A row of the required columns only."""
    return {column.name: cell_of(column).stored for column in importable.columns if column.required}


def full_row(importable: Importable) -> dict[str, Any]:
    """A cell for every column and reference; references are in capitals."""
    row = {column.name: cell_of(column).given for column in importable.columns}
    return row | {reference.name: referred_value(reference).upper() for reference in importable.references}


def referred_value(reference: Reference) -> str:
    target = registry.get(reference.to)
    value: str = cell_of(target.columns[target.position(reference.by)]).stored
    return value


def with_needed(importable: Importable, row: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The row, and the rows of other types that it refers to."""
    needed: dict[str, list[dict[str, Any]]] = {}
    for reference in importable.references:
        (referred,) = needed.setdefault(reference.to, [minimal_row(registry.get(reference.to))])
        referred[reference.by] = referred_value(reference)
    return {**needed, importable.name: [row]}


def every_type() -> list[Any]:
    return [pytest.param(importable, id=importable.name) for importable in registry.in_dependency_order()]


def every(kind: str) -> list[Any]:
    """Each type with each of its columns, or with its ``required`` or ``unique`` columns or references only."""
    return [
        pytest.param(importable, declared.name, id=f"{importable.name}-{declared.name}")
        for importable in registry.in_dependency_order()
        for declared in (importable.references if kind == "reference" else importable.columns)
        if kind in ("column", "reference") or getattr(declared, kind)
    ]


def newest(importable: Importable) -> Any:
    return importable.model._default_manager.order_by("-id")[0]


def assert_refused(acme: NewOrganization, importable: Importable, row: Any, column: str, problem: str) -> None:
    """The row is refused with this error only, at its position, and nothing is written."""
    before = take_snapshot()

    with pytest.raises(RowsInvalid) as caught:
        stage(acme, {importable.name: [row]})

    entry = {"row": 1, "column": column, "messages": [f"{label(column)} {problem}"]}
    assert caught.value.detail == {importable.name: [entry]}
    assert take_snapshot() == before


@pytest.fixture
def before(acme: NewOrganization) -> Snapshot:
    return take_snapshot(without=IMPORT_TABLES)


@pytest.mark.parametrize("importable", every_type())
def test_a_minimal_row_becomes_a_record_of_defaults(acme: NewOrganization, importable: Importable) -> None:
    row = minimal_row(importable)

    import_rows(acme, {importable.name: [row]})

    record = newest(importable)
    defaults = {column.name: column.default(acme.organization) for column in importable.columns if column.default}
    for column in importable.fields:
        expected = row.get(column.name, defaults.get(column.name, column.get_default()))
        assert getattr(record, column.attname) == expected
    for other in importable.other_fields:
        if other.name != "created_at":
            assert getattr(record, other.attname) == other.get_default()
    assert record.organization_id == acme.organization.pk


@pytest.mark.parametrize("importable", every_type())
def test_a_full_row_fills_every_column(acme: NewOrganization, importable: Importable) -> None:
    import_rows(acme, with_needed(importable, full_row(importable)))

    record = newest(importable)
    stored = {column.name: getattr(record, column.name) for column in importable.columns}
    assert stored == {column.name: cell_of(column).stored for column in importable.columns}
    for reference in importable.references:
        referred = newest(registry.get(reference.to))
        assert model_to_dict(getattr(record, reference.name)) == model_to_dict(referred)


@pytest.mark.parametrize("importable", every_type())
@pytest.mark.parametrize(
    "spell", [str.upper, str.title, lambda name: name.replace("_", " - "), lambda name: f" {name}_"]
)
def test_headers_match_however_they_are_spelled(acme: NewOrganization, importable: Importable, spell: Any) -> None:
    row = {spell(name): cell for name, cell in full_row(importable).items()}

    import_ = import_rows(acme, with_needed(importable, row))

    after: Any = import_.changes.get(record_type=importable.name).after
    assert {column.column for column in importable.fields} <= set(after)


@pytest.mark.parametrize(("importable", "column"), every("required"))
@pytest.mark.parametrize("blank", [None, "", " \t"])
def test_a_required_column_that_is_blank_is_refused(
    acme: NewOrganization, importable: Importable, column: str, blank: Any
) -> None:
    assert_refused(acme, importable, {**minimal_row(importable), column: blank}, column, "can't be blank")


@pytest.mark.parametrize(("importable", "column"), every("column"))
def test_an_invalid_cell_is_refused(acme: NewOrganization, importable: Importable, column: str) -> None:
    cell, problem = cell_of(importable.columns[importable.position(column)]).refused

    assert_refused(acme, importable, {**minimal_row(importable), column: cell}, column, problem)


@pytest.mark.parametrize(("importable", "column"), every("unique"))
@pytest.mark.parametrize("change_case", [str.upper, str.lower])
def test_a_unique_value_is_refused_once_it_is_taken_whatever_its_case(
    acme: NewOrganization, importable: Importable, column: str, change_case: Any
) -> None:
    value = cell_of(importable.columns[importable.position(column)]).given
    row = {**minimal_row(importable), column: value}
    is_case_sensitive = importable.unique_columns[column].case_sensitive
    again = {**row, column: value if is_case_sensitive else change_case(value)}
    others = {name: f"other {name}" for name, of in importable.unique_columns.items() if of.required}
    again = {**again, **{name: cell for name, cell in others.items() if name != column}}
    entry = {"column": column, "messages": [f"{label(column)} has already been taken by row 1"]}

    with pytest.raises(RowsInvalid) as caught:
        stage(acme, {importable.name: [row, again]})
    assert caught.value.detail == {importable.name: [{"row": 2, **entry}]}

    import_rows(acme, {importable.name: [row]})
    assert_refused(acme, importable, again, column, "has already been taken")


@pytest.mark.parametrize(("importable", "column"), every("reference"))
def test_a_reference_to_nothing_is_refused(acme: NewOrganization, importable: Importable, column: str) -> None:
    assert_refused(acme, importable, {**minimal_row(importable), column: "Nothing"}, column, "must exist")


@pytest.mark.parametrize("importable", every_type())
def test_an_unknown_column_is_refused(acme: NewOrganization, importable: Importable) -> None:
    row = {**minimal_row(importable), "Shoe size": ""}

    assert_refused(acme, importable, row, "shoe_size", f"is not a column of {importable.name}")


@pytest.mark.parametrize("importable", every_type())
@pytest.mark.parametrize("make_row", [full_row, minimal_row])
def test_reverting_removes_every_record(
    acme: NewOrganization, before: Snapshot, importable: Importable, make_row: Any
) -> None:
    rows = with_needed(importable, make_row(importable))
    import_ = import_rows(acme, rows)

    removed = revert(import_).removed

    assert removed == {name: len(of_type) for name, of_type in rows.items()}
    assert take_snapshot(without=IMPORT_TABLES) == before


@pytest.mark.parametrize("importable", every_type())
def test_a_served_type_has_the_same_name_in_lists_and_in_changes(importable: Importable) -> None:
    views: list[Any] = [view for _, view, _ in router.registry]
    served = {view.serializer_class.Meta.resource_name for view in views if view.queryset.model is importable.model}

    assert served <= {get_resource_type(importable.name)}


@pytest.mark.parametrize("importable", every_type())
def test_the_admin_links_to_the_records(acme: NewOrganization, importable: Importable, admin_client: Client) -> None:
    import_rows(acme, with_needed(importable, full_row(importable)))
    record = newest(importable)

    sidebar = read(admin_client, "/admin/").partition('id="nav-sidebar-apps"')[2].partition("</nav>")[0]
    assert f'href="{url_of(importable.model, "changelist")}"' in sidebar
    assert url_of(record) in read(admin_client, url_of(importable.model, "changelist"))
    assert url_of(record) in read(admin_client, f"/admin/search/?s={record.pk}&extended=1")
    assert admin_client.get(url_of(record)).status_code == 200
