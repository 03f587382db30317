"""What becomes of rows with errors: refused with all others, staged, or left out by a run."""

from __future__ import annotations

from typing import Any

import pytest

from companies.models import Company
from importsvc.engine.parse.chunks import RowChunk
from importsvc.imports.errors import RowsInvalid
from importsvc.imports.models import Import, StagedRowError
from importsvc.imports.rows import SpooledRows
from importsvc.imports.services import correct_row, list_rows, preview_import, update_import
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_company
from tests.imports.steps import counts, import_rows, run, stage

ROWS: dict[str, list[Any]] = {
    "company": [{"name": "Reds"}, {"name": "Blues", "default_currency": "Euro"}, {"name": "reds"}],
    "person": [
        {"First Name": "Ann", "email": "ann@x.io", "company": "Reds"},
        {"first_name": "", "email": "bob@x.io", "company": "Blues", "Shoe Size": 40},
        {"first_name": "Cid", "email": "ANN@x.io", "company": "blues"},
        {"first_name": "Dee", "company": "Blues"},
        "Eve",
    ],
}
FIELDS = ("record_type", "row", "number", "column", "header", "value", "code", "message", "other_row")

# The errors of these rows on their own, in the order of ``FIELDS``.
STAGED = [
    ("company", 2, 0, "default_currency", "default_currency", "Euro", "not_currency",
     "Default currency is not a currency code", None),
    ("company", 3, 0, "name", "name", "reds", "repeated", "Name has already been taken by row 1", 1),
    ("person", 2, 0, "shoe_size", "Shoe Size", "40", "unknown_column", "Shoe size is not a column of person", None),
    ("person", 2, 1, "first_name", "first_name", "", "blank", "First name can't be blank", None),
    ("person", 3, 0, "email", "email", "ANN@x.io", "repeated", "Email has already been taken by row 1", 1),
    ("person", 5, 0, None, None, "Eve", "row_not_an_object", "Row must be an object", None),
]  # fmt: skip
REFERS = ("company", "company", "refers_to_error", "Company is in row 2, which has errors", 2)


def errors_of(import_: Import) -> list[tuple[Any, ...]]:
    errors = StagedRowError.objects.filter(organization_id=import_.organization_id, import_record_id=import_.pk)
    return list(errors.order_by("record_type", "row", "number").values_list(*FIELDS))


def error_count(import_: Import) -> int | None:
    return Import.objects.for_organization(import_.organization).get(pk=import_.pk).error_count


def test_rows_with_errors_are_refused_with_all_others_unless_it_is_said(acme: NewOrganization) -> None:
    with pytest.raises(RowsInvalid):
        stage(acme, ROWS)

    assert not Import.objects.for_organization(acme.organization).exists()


def test_rows_are_staged_with_all_their_errors(acme: NewOrganization) -> None:
    import_ = stage(acme, ROWS, on_row_error="stage")

    assert errors_of(import_) == STAGED
    assert error_count(import_) == len(STAGED)


def test_a_run_of_staged_rows_with_errors_is_refused_and_keeps_the_errors(acme: NewOrganization) -> None:
    import_ = stage(acme, ROWS, on_row_error="stage")

    with pytest.raises(RowsInvalid) as caught:
        run(import_)

    assert caught.value.errors.error_count == len(STAGED)
    assert errors_of(import_) == STAGED
    assert not Company.objects.filter(organization=acme.organization, name="Reds").exists()


def test_a_run_leaves_out_rows_with_errors_and_those_that_refer_to_them(acme: NewOrganization) -> None:
    import_ = stage(acme, ROWS, on_row_error="skip")
    expected = [
        *STAGED[:4],
        ("person", 2, 2, REFERS[0], REFERS[1], "Blues", *REFERS[2:]),
        STAGED[4],
        ("person", 3, 1, REFERS[0], REFERS[1], "blues", *REFERS[2:]),
        ("person", 4, 0, REFERS[0], REFERS[1], "Blues", *REFERS[2:]),
        STAGED[5],
    ]
    assert errors_of(import_) == expected

    ran = run(import_)

    assert ran.counts == {"company": {**counts(created=1), "refused": 2}, "person": {**counts(created=1), "refused": 4}}
    assert errors_of(import_) == expected
    assert error_count(import_) == len(expected)
    people = Person.objects.filter(organization=acme.organization, company__name="Reds")
    assert list(people.values_list("email", flat=True)) == ["ann@x.io"]


def test_a_preview_agrees_with_a_run_that_leaves_rows_out(acme: NewOrganization) -> None:
    import_ = stage(acme, ROWS, on_row_error="skip")

    preview = preview_import(organization=acme.organization, import_id=import_.pk)

    assert preview.refusal is None
    assert preview.errors is not None
    assert preview.errors.errors.error_count == 9
    assert [(change.importable.name, change.row) for change in preview.changes[:10]] == [("company", 1), ("person", 1)]
    assert run(import_, if_match={preview.etag}).counts == preview.counts


def test_rows_that_refer_to_a_skipped_row_with_errors_are_left_out_and_not_counted_as_without_key(
    acme: NewOrganization,
) -> None:
    make_company(organization=acme.organization, name="Reds", external_id="a")
    rows = {
        "company": [{"name": "Greens", "external_id": "a", "default_currency": "Euro"}],
        "person": [{"first_name": "Ann", "company": "greens"}, {"first_name": "Bob", "company": "reds"}],
    }
    import_ = stage(acme, rows, on_duplicate="skip", match_by="external_id", on_row_error="skip")

    preview = preview_import(organization=acme.organization, import_id=import_.pk)

    assert [(*error[:2], error[6], error[8]) for error in errors_of(import_)] == [
        ("company", 1, "not_currency", None),
        ("person", 1, "refers_to_error", 1),
    ]
    assert preview.without_key == {"company": 0, "person": 1}
    left = {"company": {**counts(), "refused": 1}, "person": {**counts(created=1), "refused": 1}}
    assert run(import_).counts == preview.counts == left


def test_the_errors_of_a_run_replace_those_that_were_staged(acme: NewOrganization) -> None:
    import_ = stage(acme, {"company": [{"name": "Reds"}, {"name": "Blues"}]}, on_row_error="skip")
    assert errors_of(import_) == []
    make_company(organization=acme.organization, name="REDS")

    ran = run(import_)

    assert ran.counts == {"company": {**counts(created=1), "refused": 1}}
    taken = ("name", "name", "Reds", "taken", "Name has already been taken", None)
    assert errors_of(import_) == [("company", 1, 0, *taken)]


def test_a_run_that_would_leave_out_all_rows_is_refused(acme: NewOrganization) -> None:
    import_ = stage(acme, {"company": [{"name": ""}]}, on_row_error="skip")

    preview = preview_import(organization=acme.organization, import_id=import_.pk)
    with pytest.raises(RowsInvalid) as caught:
        run(import_)

    assert preview.refusal is not None
    assert preview.refusal.detail == caught.value.detail
    assert error_count(import_) == 1


def test_a_row_with_a_column_that_is_unknown_is_left_out_though_another_row_has_the_error(
    acme: NewOrganization,
) -> None:
    rows = [{"name": "Reds", "hat": 1}, {"name": "Blues", "hat": 2}, {"name": "Greens"}]

    ran = import_rows(acme, {"company": rows}, on_row_error="skip")

    assert ran.counts == {"company": {**counts(created=1), "refused": 2}}
    assert [error[:4] for error in errors_of(ran)] == [("company", 1, 0, "hat")]


def test_the_choice_may_be_made_at_the_run(acme: NewOrganization) -> None:
    import_ = stage(acme, {"company": [{"name": "Reds"}, {"name": ""}]}, on_row_error="stage")

    ran = run(import_, on_row_error="skip")

    assert ran.counts == {"company": {**counts(created=1), "refused": 1}}
    assert ran.on_row_error == "skip"


def test_rows_that_replace_others_have_the_errors_of_their_own(acme: NewOrganization) -> None:
    import_ = stage(acme, ROWS, on_row_error="stage")

    def replace(rows: Any, **attributes: Any) -> list[tuple[Any, ...]]:
        update_import(organization=acme.organization, import_id=import_.pk, import_data=rows, attributes=attributes)
        return errors_of(import_)

    assert [error[:4] for error in replace({"company": [{"name": ""}]})] == [("company", 1, 0, "name")]
    assert replace({"company": [{"name": "Reds"}]}, on_row_error="refuse") == []
    assert error_count(import_) is None
    with pytest.raises(RowsInvalid):
        replace(ROWS)


def test_cells_that_no_record_can_have_are_staged_and_shown(acme: NewOrganization) -> None:
    cells = {"name": "a\x00b", "description": "half \ud83d", "due_days": {"$unreadable": "#N/A", "because": "is #N/A"}}
    text = '{"company": [{"name": "long", "custom_fields": {"a": "\ud83d"}}]}'
    unstorable = [
        ("a�b", "nul_character"),
        ("half ?", "half_surrogate"),
        ("#N/A", "unreadable"),
    ]

    shown = [(error[5], error[6]) for error in errors_of(stage(acme, {"company": [cells]}, on_row_error="stage"))]

    assert shown == unstorable
    (error,) = errors_of(stage(acme, text, on_row_error="stage"))
    assert error[5:7] == ('{"a": "?"}', "half_surrogate")


def test_rows_of_a_derived_type_that_match_a_record_are_skipped(acme: NewOrganization) -> None:
    make_company(organization=acme.organization, name="reds")
    rows = {"company": [{"name": "Reds"}, {"name": "Blues"}], "person": [{"first_name": "Ann", "company": "Reds"}]}

    ran = import_rows(acme, rows, derived_types=["company"])

    assert ran.counts == {"company": counts(created=1, skipped=1), "person": counts(created=1)}


def test_errors_have_the_place_in_the_file_that_their_rows_come_from(acme: NewOrganization) -> None:
    text = '{"name": "A"},{"name": ""},{"name": "a"}'
    rows = SpooledRows([RowChunk("company", 1, 3, text, [2, 3, 7], "Firms")])

    import_ = stage(acme, rows, on_row_error="stage")

    errors = StagedRowError.objects.filter(organization_id=import_.organization_id, import_record_id=import_.pk)
    assert list(errors.order_by("row").values_list("row", "line", "sheet")) == [(2, 3, "Firms"), (3, 7, "Firms")]
    correct_row(
        organization=acme.organization, import_id=import_.pk, record_type="company", row=3, cells={"name": "A "}
    )
    assert list(errors.order_by("row").values_list("line", flat=True)) == [3, 7]
    listed = list_rows(organization=acme.organization, import_id=import_.pk)[:10]
    assert [(row.line, row.sheet) for row in listed] == [(2, "Firms"), (3, "Firms"), (7, "Firms")]


def test_the_headers_of_a_file_are_those_of_its_errors(acme: NewOrganization) -> None:
    rows = {"person": [{"first_name": "", "email": "no"}]}

    import_ = stage(acme, rows, on_row_error="stage", headers={"person": {"first_name": "Vorname"}})

    assert [error[3:5] for error in errors_of(import_)] == [("first_name", "Vorname"), ("email", "email")]
