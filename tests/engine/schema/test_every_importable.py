"""What holds for every type that can be imported; each registered one is put through all of it by its example here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from django.forms.models import model_to_dict

from importsvc.engine.errors import label
from importsvc.engine.schema import registry
from importsvc.engine.schema.importable import Importable
from importsvc.imports.errors import RowsInvalid
from importsvc.imports.models import Import
from importsvc.imports.services import create_import, revert_import, run_import
from people.services import NewOrganization
from tests.snapshots import Snapshot, take_snapshot


@dataclass(frozen=True)
class Example:
    """Rows of a type.

    Attributes:
        full: a cell for every column, references included.
        minimal: as little as a row may say.
        refused: for columns that not just any text is good for, a cell and what is wrong with it.
        stored: the values of a record made of ``full``, where they are not those cells.
        needed: rows of other types that ``full`` refers to.
    """

    full: dict[str, Any]
    minimal: dict[str, Any]
    refused: dict[str, tuple[Any, str]] = field(default_factory=dict)
    stored: dict[str, Any] = field(default_factory=dict)
    needed: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


EXAMPLES = {
    "company": Example(
        full={
            "name": " Reds ",
            "default_currency": "eur",
            "description": "Red\nand white",
            "due_days": "30",
            "tag_list": "a, b",
            "invoice_email_recipients": {"to": ["a@reds.test"]},
            "custom_fields": {"1": None},
        },
        stored={"name": "Reds", "default_currency": "EUR", "due_days": 30, "tag_list": ["a", "b"]},
        minimal={"name": "Reds"},
        refused={
            "default_currency": ("Euro", "is not a currency code"),
            "due_days": ("soon", "must be a whole number"),
            "tag_list": ({}, "must be a list of text, or text with commas between"),
            "invoice_email_recipients": ("a@reds.test", "must be an object"),
            "custom_fields": ([], "must be an object"),
        },
    ),
    "person": Example(
        full={
            "first_name": "Ann",
            "last_name": "O'Hara",
            "email": "Ann@Reds.test",
            "title": "Dr",
            "tag_list": ["a", "b,c"],
            "custom_fields": {"1": [1.5]},
            "company": "REDS",
        },
        minimal={"first_name": "Ann"},
        refused={
            "email": ("ann", "is not an email"),
            "tag_list": ([1], "must be text"),
            "custom_fields": ("{}", "must be an object"),
        },
        needed={"company": [{"name": "Reds"}]},
    ),
}
WITHOUT_IMPORTS = ("imports_import", "imports_stagedpart", "changelog_change")


def example_of(importable: Importable) -> Example:
    if importable.name not in EXAMPLES:
        pytest.fail(f"Importable '{importable.name}' has no rows in EXAMPLES of {__file__}: add them")
    return EXAMPLES[importable.name]


def every_type() -> list[Any]:
    return [pytest.param(importable, id=importable.name) for importable in registry.in_dependency_order()]


def every(kind: str) -> list[Any]:
    """Each type with each of its columns, or only those that are ``required`` or ``unique``, or its references."""
    return [
        pytest.param(importable, declared.name, id=f"{importable.name}-{declared.name}")
        for importable in registry.in_dependency_order()
        for declared in (importable.references if kind == "reference" else importable.columns)
        if kind in ("column", "reference") or getattr(declared, kind)
    ]


def stage(acme: NewOrganization, rows: Any) -> Import:
    return create_import(organization=acme.organization, creator=acme.person, import_data=rows)


def run(acme: NewOrganization, rows: Any) -> Import:
    return run_import(organization=acme.organization, import_id=stage(acme, rows).pk)


def with_needed(importable: Importable, row: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    return {**example_of(importable).needed, importable.name: [row]}


def newest(importable: Importable) -> Any:
    return importable.model._default_manager.order_by("-id")[0]


def assert_refused(acme: NewOrganization, importable: Importable, row: Any, column: str, problem: str) -> None:
    """The row is refused for this reason alone, and where it stands is told; nothing is written."""
    before = take_snapshot()

    with pytest.raises(RowsInvalid) as caught:
        stage(acme, {importable.name: [row]})

    entry = {"row": 1, "column": column, "messages": [f"{label(column)} {problem}"]}
    assert caught.value.detail == {importable.name: [entry]}
    assert take_snapshot() == before


@pytest.fixture
def before(acme: NewOrganization) -> Snapshot:
    return take_snapshot(without=WITHOUT_IMPORTS)


@pytest.mark.parametrize("importable", every_type())
def test_examples_are_whole(importable: Importable) -> None:
    example = example_of(importable)

    assert set(example.full) == set(importable.column_names)
    assert {column.name for column in importable.columns if column.required} <= set(example.minimal)
    assert set(example.needed) == {reference.to for reference in importable.references}


@pytest.mark.parametrize("importable", every_type())
def test_a_minimal_row_becomes_a_record_of_defaults(acme: NewOrganization, importable: Importable) -> None:
    example = example_of(importable)

    run(acme, {importable.name: [example.minimal]})

    record = newest(importable)
    defaults = {column.name: column.default(acme.organization) for column in importable.columns if column.default}
    for column in importable.fields:
        expected = example.minimal.get(column.name, defaults.get(column.name, column.get_default()))
        assert getattr(record, column.attname) == expected
    for other in importable.other_fields:
        if other.name != "created_at":
            assert getattr(record, other.attname) == other.get_default()
    assert record.organization_id == acme.organization.pk


@pytest.mark.parametrize("importable", every_type())
def test_a_full_row_fills_every_column(acme: NewOrganization, importable: Importable) -> None:
    example = example_of(importable)

    run(acme, with_needed(importable, example.full))

    record = newest(importable)
    expected = {**example.full, **example.stored}
    columns = [column.name for column in importable.columns]
    assert {name: getattr(record, name) for name in columns} == {name: expected[name] for name in columns}
    for reference in importable.references:
        referred = newest(registry.get(reference.to))
        assert model_to_dict(getattr(record, reference.name)) == model_to_dict(referred)


@pytest.mark.parametrize("importable", every_type())
@pytest.mark.parametrize(
    "spell", [str.upper, str.title, lambda name: name.replace("_", " - "), lambda name: f" {name}_"]
)
def test_headers_match_however_they_are_spelled(acme: NewOrganization, importable: Importable, spell: Any) -> None:
    row = {spell(name): cell for name, cell in example_of(importable).full.items()}

    import_ = run(acme, with_needed(importable, row))

    after: Any = import_.changes.get(record_type=importable.name).after
    assert {column.column for column in importable.fields} <= set(after)


@pytest.mark.parametrize(("importable", "column"), every("required"))
@pytest.mark.parametrize("blank", [None, "", " \t"])
def test_a_required_column_that_is_blank_is_refused(
    acme: NewOrganization, importable: Importable, column: str, blank: Any
) -> None:
    assert_refused(acme, importable, {**example_of(importable).minimal, column: blank}, column, "can't be blank")


@pytest.mark.parametrize(("importable", "column"), every("column"))
def test_a_cell_that_is_not_acceptable_is_refused(acme: NewOrganization, importable: Importable, column: str) -> None:
    example = example_of(importable)
    cell, problem = example.refused.get(column, (["no text"], "must be text"))

    assert_refused(acme, importable, {**example.minimal, column: cell}, column, problem)


@pytest.mark.parametrize(("importable", "column"), every("unique"))
@pytest.mark.parametrize("change_case", [str.upper, str.lower])
def test_a_unique_value_is_refused_once_it_is_taken_whatever_its_case(
    acme: NewOrganization, importable: Importable, column: str, change_case: Any
) -> None:
    example = example_of(importable)
    row = {**example.minimal, column: example.full[column]}
    again = {**row, column: change_case(example.full[column])}
    entry = {"column": column, "messages": [f"{label(column)} has already been taken"]}

    with pytest.raises(RowsInvalid) as caught:
        stage(acme, {importable.name: [row, again]})
    assert caught.value.detail == {importable.name: [{"row": 2, **entry}]}

    run(acme, {importable.name: [row]})
    assert_refused(acme, importable, again, column, "has already been taken")


@pytest.mark.parametrize(("importable", "column"), every("reference"))
def test_a_reference_to_nothing_is_refused(acme: NewOrganization, importable: Importable, column: str) -> None:
    assert_refused(acme, importable, {**example_of(importable).minimal, column: "Nothing"}, column, "must exist")


@pytest.mark.parametrize("importable", every_type())
def test_an_unknown_column_is_refused(acme: NewOrganization, importable: Importable) -> None:
    row = {**example_of(importable).minimal, "Shoe size": ""}

    assert_refused(acme, importable, row, "shoe_size", f"is not a column of {importable.name}")


@pytest.mark.parametrize("importable", every_type())
@pytest.mark.parametrize("kind", ["full", "minimal"])
def test_reverting_leaves_nothing(acme: NewOrganization, before: Snapshot, importable: Importable, kind: str) -> None:
    rows = with_needed(importable, getattr(example_of(importable), kind))
    import_ = run(acme, rows)

    removed = revert_import(organization=acme.organization, import_id=import_.pk).removed

    assert removed == {name: len(of_type) for name, of_type in rows.items()}
    assert take_snapshot(without=WITHOUT_IMPORTS) == before
