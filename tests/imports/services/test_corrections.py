"""Staged rows are corrected one by one, and the errors are always those that a check of all rows finds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from companies.models import Company
from importsvc.errors import Conflict, InvalidAttribute, PreconditionFailed, RecordNotFound
from importsvc.imports.errors import WrongState
from importsvc.imports.models import Import, StagedChunk, StagedRowError
from importsvc.imports.services import (
    RowCorrection,
    check_import,
    correct_row,
    correct_rows,
    delete_row,
    get_match_keys,
    list_rows,
    preview_import,
    replace_value,
    summarize_errors,
)
from importsvc.imports.staging import read_document
from people.services import NewOrganization
from tests.builders import make_company, make_person
from tests.imports.steps import counts, run, stage

ROWS = (
    '{"company": [{"name": "Reds", "due_days": 1.0}, {"name": "reds"}, {"name": "Blues", "default_currency": "Euro"}],'
    ' "person": [{"first_name": "Ann", "email": "ann@x.io", "company": "Blues", "hat": 1.50},'
    ' {"first_name": "Bob", "email":  "ANN@x.io", "hat": 2}, "Cid"]}'
)


def errors_of(import_: Import) -> list[tuple[Any, ...]]:
    errors = StagedRowError.objects.filter(organization_id=import_.organization_id, import_record_id=import_.pk)
    fields = ("record_type", "row", "number", "column", "header", "value", "code", "message", "other_row")
    return list(errors.order_by("record_type", "row", "number").values_list(*fields))


def places(import_: Import) -> list[tuple[Any, ...]]:
    return [(error[0], error[1], error[3], error[6]) for error in errors_of(import_)]


def correct(import_: Import, record_type: str, row: int, **cells: Any) -> Import:
    return correct_row(
        organization=import_.organization, import_id=import_.pk, record_type=record_type, row=row, cells=cells
    )


def delete(import_: Import, record_type: str, row: int) -> Import:
    return delete_row(organization=import_.organization, import_id=import_.pk, record_type=record_type, row=row)


def replace(import_: Import, record_type: str, column: str, to: Any, **old: Any) -> int:
    _, count = replace_value(
        organization=import_.organization, import_id=import_.pk, record_type=record_type, column=column, to=to, **old
    )
    return count


def text_of(import_: Import) -> str:
    return "".join(read_document(import_.organization_id, import_.pk))


@pytest.fixture
def import_(acme: NewOrganization) -> Import:
    """Staged rows with errors."""
    staged = stage(acme, ROWS, on_row_error="stage")
    assert places(staged) == [
        ("company", 2, "name", "repeated"),
        ("company", 3, "default_currency", "not_currency"),
        ("person", 1, "hat", "unknown_column"),
        ("person", 2, "email", "repeated"),
        ("person", 3, None, "row_not_an_object"),
    ]
    return staged


def test_an_import_is_corrected_until_it_has_no_errors_and_then_run(import_: Import) -> None:
    correct(import_, "company", 3, default_currency="EUR")
    delete(import_, "company", 2)
    assert replace(import_, "person", "hat", None) == 2
    correct(import_, "person", 2, email="bob@x.io")
    assert correct(import_, "person", 3, first_name="Cid").error_count == 0

    assert errors_of(import_) == []
    assert run(import_).counts == {"company": counts(created=2), "person": counts(created=3)}


def test_only_the_corrected_cell_changes_its_text(import_: Import) -> None:
    correct(import_, "person", 2, EMAIL="bob@x.io", title="Chief")
    delete(import_, "company", 2)

    assert text_of(import_) == (
        '{"company": [{"name": "Reds", "due_days": 1.0},{"name": "Blues", "default_currency": "Euro"}],'
        ' "person": [{"first_name": "Ann", "email": "ann@x.io", "company": "Blues", "hat": 1.50},'
        '{"first_name": "Bob", "email": "bob@x.io", "hat": 2, "title": "Chief"},"Cid"]}'
    ).replace('], "person"', '], "person"')


def test_cells_that_are_sent_back_as_they_were_read_keep_their_text_also_those_of_unknown_columns(
    import_: Import,
) -> None:
    (row,) = list_rows(organization=import_.organization, import_id=import_.pk, record_types=["person"])[:1]
    cells = row.cells

    correct(import_, "person", 1, **{**cells, "first_name": "Anna"})

    assert '{"first_name": "Anna", "email": "ann@x.io", "company": "Blues", "hat": 1.50}' in text_of(import_)
    for hat in (True, "1.5", 2):
        with pytest.raises(InvalidAttribute, match="'hat', which is no column of person"):
            correct(import_, "person", 1, **{**cells, "hat": hat})


def test_of_two_headers_of_a_column_the_one_that_is_sent_stays(acme: NewOrganization) -> None:
    import_ = stage(acme, {"person": [{"first_name": "Ann", "First Name": "Anna"}]}, on_row_error="stage")

    assert correct(import_, "person", 1, first_name="Ann").error_count == 0
    assert text_of(import_) == '{"person": [{"first_name": "Ann"}]}'


def test_the_rows_that_a_correction_concerns_are_checked_again(import_: Import) -> None:
    correct(import_, "company", 1, name="Greens")
    correct(import_, "person", 1, email="new@x.io")
    correct(import_, "company", 3, name="Whites")
    correct(import_, "person", 1, hat=None)

    assert places(import_) == [
        ("company", 3, "default_currency", "not_currency"),
        ("person", 1, "company", "must_exist"),
        ("person", 2, "hat", "unknown_column"),
        ("person", 3, None, "row_not_an_object"),
    ]


def test_rows_keep_their_numbers_when_others_are_deleted(import_: Import) -> None:
    delete(import_, "company", 1)

    rows = list_rows(organization=import_.organization, import_id=import_.pk)
    assert [(row.record_type, row.row) for row in rows[:10]] == [
        *(("company", 2), ("company", 3)),
        *(("person", 1), ("person", 2), ("person", 3)),
    ]
    assert ("company", 2, "name", "repeated") not in places(import_)
    for again in (lambda: delete(import_, "company", 1), lambda: correct(import_, "company", 1, name="Reds")):
        with pytest.raises(RecordNotFound):
            again()


def test_a_row_without_cells_can_be_deleted(acme: NewOrganization) -> None:
    import_ = stage(acme, {"company": [{}, {"name": "A"}]}, on_row_error="stage")

    assert delete(import_, "company", 1).error_count == 0
    assert [row.row for row in list_rows(organization=acme.organization, import_id=import_.pk)[:5]] == [2]


def test_rows_are_listed_with_or_without_errors(import_: Import) -> None:
    delete(import_, "person", 3)

    def numbers(**options: Any) -> list[tuple[str, int]]:
        rows = list_rows(organization=import_.organization, import_id=import_.pk, **options)
        assert len(rows) == len(rows[:10])
        assert [rows[at : at + 1][0].row for at in range(len(rows))] == [row.row for row in rows[:10]]
        return [(row.record_type, row.row) for row in rows[:10]]

    assert numbers(has_errors=True) == [("company", 2), ("company", 3), ("person", 1), ("person", 2)]
    assert numbers(has_errors=False) == [("company", 1)]
    assert numbers(record_types=["person"]) == [("person", 1), ("person", 2)]


def test_equal_errors_are_one_group_the_largest_first(acme: NewOrganization) -> None:
    rows = [{"name": f"A{number}", "default_currency": "Euro"} for number in range(3)]

    import_ = stage(acme, {"company": [{"name": ""}, *rows]}, on_row_error="stage")

    currency = {"column": "default_currency", "code": "not_currency", "value": "Euro", "count": 3, "first_row": 2}
    blank = {"column": "name", "code": "blank", "value": "", "count": 1, "first_row": 1}
    assert summarize_errors(import_) == [
        {"record_type": "company", **currency, "message": "Default currency is not a currency code"},
        {"record_type": "company", **blank, "message": "Name can't be blank"},
    ]


def test_a_value_is_replaced_in_every_row_that_has_it(acme: NewOrganization) -> None:
    rows = [{"name": "A", "Default Currency": "Euro"}, {"name": "B", "default_currency": "euro"}, {"name": "C"}]
    import_ = stage(acme, {"company": [*rows, {"name": "D", "default_currency": 5}]}, on_row_error="stage")

    assert replace(import_, "company", "default_currency", "EUR", old="Euro") == 1
    assert replace(import_, "company", "default_currency", "EUR", old="5") == 1
    assert places(import_) == [("company", 2, "default_currency", "not_currency")]
    assert replace(import_, "company", "default_currency", "USD") == 3
    assert replace(import_, "company", "default_currency", "EUR", old="Euro") == 0
    assert errors_of(import_) == []


def test_what_cannot_be_corrected_is_refused(import_: Import, globex: NewOrganization) -> None:
    with pytest.raises(InvalidAttribute, match="'shoe', which is no column of person"):
        correct(import_, "person", 1, shoe=1)
    with pytest.raises(InvalidAttribute, match="'hat', which is no column of person"):
        replace(import_, "person", "hat", 7)
    for record_type, row in (("person", 4), ("deal", 1), ("company", 0), ("person", 2**40)):
        with pytest.raises(RecordNotFound):
            correct(import_, record_type, row, name="x")
    with pytest.raises(RecordNotFound):
        check_import(organization=globex.organization, import_id=import_.pk)
    with pytest.raises(PreconditionFailed):
        check_import(organization=import_.organization, import_id=import_.pk, if_match={"0"})
    assert len(errors_of(import_)) == 5


def test_a_value_that_is_no_json_or_too_deep_is_refused(import_: Import) -> None:
    deep: Any = []
    for _ in range(5_000):
        deep = [deep]
    for value in (float("inf"), {"a": float("nan")}, deep):
        with pytest.raises(InvalidAttribute, match="'title' that is too large or nested too deep"):
            correct(import_, "person", 1, title=value)


def test_a_row_that_is_nested_too_deep_is_listed_without_its_cells(acme: NewOrganization) -> None:
    rows = '{"company": [{"name": "A", "custom_fields": ' + '{"a":' * 150 + "1" + "}" * 150 + "}]}"

    import_ = stage(acme, rows, on_row_error="stage")

    (row,) = list_rows(organization=acme.organization, import_id=import_.pk)[:1]
    assert (row.cells, [error.code for error in row.errors]) == (None, ["nested_too_deep"])
    assert correct(import_, "company", 1, custom_fields=None).error_count == 0


def test_an_import_that_keeps_no_errors_or_was_run_cannot_be_corrected(acme: NewOrganization) -> None:
    import_ = stage(acme, {"company": [{"name": "Reds"}]})
    with pytest.raises(Conflict, match="on_row_error is 'refuse'"):
        correct(import_, "company", 1, name="Blues")

    ran = run(stage(acme, {"company": [{"name": "Reds"}]}, on_row_error="skip"))
    with pytest.raises(WrongState):
        correct(ran, "company", 1, name="Blues")


def test_a_check_finds_what_has_changed_in_the_organization(acme: NewOrganization) -> None:
    import_ = stage(acme, {"company": [{"name": "Reds"}]}, on_row_error="stage")
    make_company(organization=acme.organization, name="reds")

    assert check_import(organization=acme.organization, import_id=import_.pk).error_count == 1
    assert places(import_) == [("company", 1, "name", "taken")]


def test_cells_that_no_record_can_have_can_be_set(import_: Import) -> None:
    correct(import_, "company", 1, name="a\x00b", description="\ud83d")

    assert [place[2:] for place in places(import_)[:2]] == [
        ("name", "nul_character"),
        ("description", "half_surrogate"),
    ]


# --- any sequence of corrections -------------------------------------------------------------------------------------

names = st.sampled_from(["Reds", "reds", "Blues", "Old", "ÉCOLE", "école", "", None, 7])
currencies = st.sampled_from(["EUR", "Euro", None])
emails = st.sampled_from(["a@x.io", "A@x.io", "b@x.io", "old@x.io", "no", None])
external_ids = st.sampled_from(["a", "A", "É", "é", "old", None])
first_names = st.sampled_from(["Ann", "", None])
unknown = st.sampled_from([{}, {}, {}, {"hat": 1}, {"Hat": 2, "shoe": 3}])
companies: st.SearchStrategy[Any] = st.builds(
    lambda more, **row: {**row, **more}, unknown, name=names, default_currency=currencies, external_id=external_ids
) | st.sampled_from(["x"])
people: st.SearchStrategy[Any] = st.builds(
    lambda more, **row: {**row, **more},
    unknown,
    first_name=first_names,
    email=emails,
    company=names,
    external_id=external_ids,
) | st.sampled_from([{}, None])
cells = st.one_of(
    st.tuples(
        st.just("company"),
        st.fixed_dictionaries(
            {}, optional={"name": names, "default_currency": currencies, "external_id": external_ids}
        ),
    ),
    st.tuples(
        st.just("person"),
        st.fixed_dictionaries(
            {}, optional={"first_name": first_names, "email": emails, "company": names, "external_id": external_ids}
        ),
    ),
    st.sampled_from([("person", {"hat": None}), ("company", {"shoe": None})]),
)
replacements = st.one_of(
    st.tuples(st.just("company"), st.just("name"), names, names),
    st.tuples(st.just("person"), st.just("email"), emails, emails),
    st.tuples(st.just("person"), st.just("company"), names, names),
    st.tuples(st.sampled_from(["company", "person"]), st.just("external_id"), external_ids, external_ids),
    st.sampled_from([("person", "hat", 1, None), ("company", "hat", 2, None)]),
)
steps = st.one_of(
    st.tuples(st.just("correct"), cells, st.integers(1, 6)),
    st.tuples(st.just("delete"), st.sampled_from(["company", "person"]), st.integers(1, 6)),
    st.tuples(st.just("replace"), replacements, st.just(0)),
)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of two rows, so that rows of several chunks depend on each other; the keys of both are many."""
    monkeypatch.setattr("importsvc.engine.parse.chunks.CHUNK_ROWS", 2)
    monkeypatch.setattr("importsvc.imports.services.row_keys.ROWS_ONE_BY_ONE", 1)


def test_all_rows_that_refer_to_a_corrected_one_are_checked_however_many_chunks_they_are_in(
    acme: NewOrganization, small_chunks: None
) -> None:
    rows = {
        "company": [{"name": "Reds"}],
        "person": [{"first_name": f"P{row}", "company": ("Reds", None)[row % 2]} for row in range(1, 81)],
    }
    import_ = stage(acme, rows, on_row_error="stage")

    corrected = correct(import_, "company", 1, name="Blues")

    expected = [("person", row, "company", "must_exist") for row in range(2, 81, 2)]
    assert (corrected.error_count, places(import_)) == (40, expected)
    assert correct(import_, "company", 1, name="Reds").error_count == 0
    assert places(import_) == []


@given(
    st.lists(companies, min_size=1, max_size=6),
    st.lists(people, min_size=1, max_size=6),
    st.sampled_from(["stage", "skip"]),
    st.sampled_from(["error", "skip", "update"]),
    st.sampled_from([None, *get_match_keys()]),
    st.lists(steps, min_size=1, max_size=5),
)
@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_corrections_leave_exactly_the_errors_that_a_check_of_all_rows_finds(
    acme: NewOrganization,
    small_chunks: None,
    first: list[Any],
    second: list[Any],
    on_row_error: str,
    on_duplicate: Any,
    match_by: str | None,
    corrections: list[tuple[str, Any, int]],
) -> None:
    if not Company.objects.filter(organization=acme.organization, name="Old").exists():
        make_company(organization=acme.organization, name="Old", external_id="old")
        make_company(organization=acme.organization, name="Older", external_id="A")
        make_person(organization=acme.organization, email="old@x.io", external_id="old")
        make_person(organization=acme.organization, external_id="é")
    rows = {"company": first, "person": second}
    import_ = stage(acme, rows, on_row_error=on_row_error, on_duplicate=on_duplicate, match_by=match_by)
    for kind, what, row in corrections:
        try:
            if kind == "correct":
                corrected = correct(import_, what[0], row, **what[1])
            elif kind == "delete":
                corrected = delete(import_, what, row)
            else:
                name, column, old, new = what
                corrected, _ = replace_value(
                    organization=acme.organization,
                    import_id=import_.pk,
                    record_type=name,
                    column=column,
                    old=old,
                    to=new,
                )
        except RecordNotFound:
            continue
        left = errors_of(import_)
        keys = read_keys(import_)
        assert corrected.error_count == len(left)
        check_import(organization=acme.organization, import_id=import_.pk)
        assert left == errors_of(import_)
        assert keys == read_keys(import_)
    preview = preview_import(organization=acme.organization, import_id=import_.pk)
    assert (preview.errors.errors.error_count if preview.errors else 0) == len(errors_of(import_))


def read_keys(import_: Import) -> list[tuple[Any, ...]]:
    chunks = StagedChunk.objects.filter(organization_id=import_.organization_id, import_record_id=import_.pk)
    return [
        (number, keys, unknown_columns, len(json.loads(rows)))
        for number, keys, unknown_columns, rows in chunks.order_by("number").values_list(
            "number", "keys", "unknown_columns", "rows"
        )
    ]


def test_rows_are_corrected_together_or_not_at_all(acme: NewOrganization) -> None:
    import_ = stage(acme, json.loads(ROWS), on_row_error="stage")
    before = errors_of(import_)
    right = [RowCorrection("company", 2, {"name": "Greens"}), RowCorrection("company", 3, {"default_currency": None})]
    options: dict[str, Any] = {"organization": acme.organization, "import_id": import_.pk}

    with pytest.raises(RecordNotFound):
        correct_rows(**options, corrections=[*right, RowCorrection("company", 9, {"name": "x"})])
    assert errors_of(import_) == before

    corrected = correct_rows(**options, corrections=right)
    assert not [place for place in places(import_) if place[0] == "company"]
    assert corrected.error_count == len(errors_of(import_))
