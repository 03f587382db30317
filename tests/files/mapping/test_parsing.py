"""Mappings as JSON: what is read, what is refused, and that both ways agree."""

from __future__ import annotations

from typing import Any

import pytest

from importsvc.files.mapping.document import (
    ColumnMapping,
    Constant,
    Formats,
    Join,
    Mapping,
    Separate,
    Split,
    StripPrefix,
    write_mapping,
)
from importsvc.files.mapping.parsing import read_mapping
from importsvc.files.mapping.refusals import MappingInvalid

WHOLE = {
    "columns": [
        {"headers": ["Vorname"], "targets": ["person.first_name"]},
        {
            "headers": ["Name", "Zusatz"],
            "targets": ["company.name"],
            "steps": [{"step": "join", "separator": " "}, {"step": "strip_prefix", "prefix": "Fa. "}],
        },
        {
            "headers": ["Ansprechpartner"],
            "targets": ["person.last_name", "person.title"],
            "steps": [{"step": "split", "at": "last_space"}],
        },
        {"headers": ["Währung"], "targets": ["company.default_currency"], "values": {"Euro": "EUR", "–": None}},
        {"headers": ["Geburtstag"], "targets": ["person.custom_fields.born"], "kind": "date", "sheet": "Leute"},
        {"headers": ["Gruppen"], "targets": ["person.tag_list"], "steps": [{"step": "separate", "by": ";"}]},
        {"headers": [], "targets": ["company.tag_list"], "steps": [{"step": "constant", "value": "Messe"}]},
    ],
    "ignored": ["Notizen"],
    "formats": {"date_order": "dmy", "decimal_sign": ","},
    "match_by": "email",
    "on_duplicate": "update",
    "missing_companies": "error",
}


def find_problems(value: Any) -> list[tuple[str, ...]]:
    with pytest.raises(MappingInvalid) as refused:
        read_mapping(value)
    return [tuple(problem) for problem in refused.value.problems]


def column(**members: Any) -> dict[str, Any]:
    """A mapping of one column."""
    return {"columns": [{"headers": ["A"], "targets": ["person.email"], **members}]}


def test_every_member_of_a_mapping_is_read() -> None:
    assert read_mapping(WHOLE) == Mapping(
        columns=(
            ColumnMapping(("Vorname",), ("person.first_name",)),
            ColumnMapping(("Name", "Zusatz"), ("company.name",), (Join(" "), StripPrefix("Fa. "))),
            ColumnMapping(("Ansprechpartner",), ("person.last_name", "person.title"), (Split("last_space"),)),
            ColumnMapping(("Währung",), ("company.default_currency",), values={"Euro": "EUR", "–": None}),
            ColumnMapping(("Geburtstag",), ("person.custom_fields.born",), kind="date", sheet="Leute"),
            ColumnMapping(("Gruppen",), ("person.tag_list",), (Separate(";"),)),
            ColumnMapping((), ("company.tag_list",), (Constant("Messe"),)),
        ),
        ignored=("Notizen",),
        formats=Formats("dmy", ","),
        match_by="email",
        on_duplicate="update",
        missing_companies="error",
    )


def test_what_is_written_is_what_was_read() -> None:
    assert write_mapping(read_mapping(WHOLE)) == WHOLE


def test_members_that_are_left_out_have_their_default() -> None:
    assert read_mapping({}) == Mapping()
    assert read_mapping(write_mapping(Mapping())) == Mapping()


def test_every_problem_is_told_at_once() -> None:
    value = {
        "columns": [
            {"headers": ["A"], "targets": ["person.frist_name"]},
            {"headers": "A", "targets": [7, " "], "colour": 1},
            "B",
        ],
        "formats": {"date_order": "dym"},
        "on_duplicate": None,
        "match_by": "title",
    }

    assert find_problems(value) == [
        ("unknown_target", "/columns/0/targets/0", "'person.frist_name' is not a target"),
        (
            "unknown_member",
            "/columns/1/colour",
            "'colour' is not a member; known are headers, targets, steps, values, kind, sheet",
        ),
        ("not_a_list", "/columns/1/headers", "Must be a list"),
        ("not_text", "/columns/1/targets/0", "Must be text"),
        ("blank", "/columns/1/targets/1", "Can't be blank"),
        (
            "not_an_object",
            "/columns/2",
            "A column must be an object with the members headers, targets, steps, values, kind, sheet",
        ),
        ("not_a_choice", "/formats/date_order", "Must be one of dmy, mdy, ymd"),
        ("not_a_choice", "/match_by", "Must be one of email, external_id, name"),
        ("required", "/on_duplicate", "Must be one of error, skip, update"),
    ]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([], ("not_an_object", "", f"A mapping must be an object with the members {', '.join(WHOLE)}")),
        (column(headers=["A", "B"]), ("wrong_steps", "/columns/0/steps",
              "The step join is for several headers, and several headers need it")),
        (column(headers=[]), ("wrong_steps", "/columns/0/steps", "A column has either headers or the step constant")),
        (column(steps=[{"step": "constant", "value": 1}]), ("wrong_steps", "/columns/0/steps",
              "A column has either headers or the step constant")),
        (column(steps=[{"step": "split", "at": "first_space"}]), ("wrong_targets", "/columns/0/targets",
              "A column that is split needs two targets, and has 1")),
        (column(targets=[]), ("wrong_targets", "/columns/0/targets", "A column needs one target, and has 0")),
        (column(targets=["person.email", "person.title"]), ("wrong_targets", "/columns/0/targets",
              "A column needs one target, and has 2")),
        (column(steps=[{"step": "upper"}]), ("unknown_step", "/columns/0/steps/0",
              "A step is an object whose member step is one of constant, split, join, strip_prefix, separate")),
        (column(steps=[{"step": ["split"]}]), ("unknown_step", "/columns/0/steps/0",
              "A step is an object whose member step is one of constant, split, join, strip_prefix, separate")),
        (column(steps=[{"step": "strip_prefix"}]), ("required", "/columns/0/steps/0/prefix",
              "The step strip_prefix needs the member prefix")),
        (column(steps=[{"step": "strip_prefix", "prefix": None}]), ("required", "/columns/0/steps/0/prefix",
              "The step strip_prefix needs the member prefix")),
        (column(steps=[{"step": "split", "at": None}]), ("required", "/columns/0/steps/0/at",
              "The step split needs the member at")),
        (column(steps=[{"step": "separate", "by": " "}]), ("blank", "/columns/0/steps/0/by", "Can't be blank")),
        (column(steps=[{"step": "separate", "by": ";"}]), ("wrong_targets", "/columns/0/targets/0",
              "'person.email' takes no list, which the step separate makes")),
        (column(targets=["person.tag_list"], steps=[{"step": "separate", "by": ";"}] * 2), (
              "wrong_steps", "/columns/0/steps", "The step separate comes last")),
        (column(kind="text"), ("kind_not_allowed", "/columns/0/targets/0",
              "'person.email' has a kind of its own, and takes no other")),
        (column(targets=["person.custom_fields.size"]), ("kind_required", "/columns/0/targets/0",
              "'person.custom_fields.size' needs a kind: one of text, number, date, boolean")),
        (column(targets=["person.email.x"]), ("unknown_target", "/columns/0/targets/0",
              "'person.email.x' is not a target")),
        (column(values={"a": [1]}), ("not_a_scalar", "/columns/0/values/a",
              "Must be text, a number, a boolean or null")),
        (column(values={"a/~": "\x00"}), ("not_storable", "/columns/0/values/a~1~0",
              "Has a NUL character or half of a surrogate pair")),
        (column(values={" ": "a"}), ("blank", "/columns/0/values/ ", "A value of the file cannot be blank")),
        (column(values={"a": "1", " A": "2"}), ("repeated", "/columns/0/values",
              "Two values differ only in case or in the spaces around them")),
        (column(values=[]), ("not_an_object", "/columns/0/values",
              "Values must be an object, from the file's values to those to take")),
        (column(headers=["A" * 1_001]), ("too_long", "/columns/0/headers/0",
              "Is too long (maximum is 1,000 characters)")),
        ({"ignored": ["A"] * 1_001}, ("too_many", "/ignored", "Has more than 1,000 items")),
        ({**column(), "ignored": ["A"]}, ("ignored_and_used", "/ignored/0",
              "'A' is ignored, and fills a target as well")),
        ({"columns": column()["columns"] * 2}, ("target_used_twice", "/columns/1/targets/0",
              "'person.email' is filled by another column already")),
    ],
)  # fmt: skip
def test_a_wrong_mapping_is_refused(value: Any, problem: tuple[str, str, str]) -> None:
    assert find_problems(value)[:1] == [problem]


def test_an_object_and_a_member_of_it_are_the_same_target() -> None:
    whole = {"headers": ["A"], "targets": ["person.custom_fields"]}
    member = {"headers": ["B"], "targets": ["person.custom_fields.size"], "kind": "text"}

    assert find_problems({"columns": [whole, member]}) == [
        ("target_used_twice", "/columns/1/targets/0", "'person.custom_fields.size' is filled by another column already")
    ]


def test_a_target_can_be_filled_in_two_sheets() -> None:
    columns = [{"headers": ["A"], "targets": ["person.email"], "sheet": sheet} for sheet in ("one", "two")]

    assert len(read_mapping({"columns": columns}).columns) == 2
    assert find_problems({"columns": [*columns, {"headers": ["A"], "targets": ["person.email"]}]}) == [
        ("target_used_twice", "/columns/2/targets/0", "'person.email' is filled by another column already")
    ]


def test_a_third_type_has_targets_as_soon_as_it_is_registered(with_deals: None) -> None:
    assert read_mapping({"columns": [{"headers": ["A"], "targets": ["deal.contact"]}]}).columns[0].targets == (
        "deal.contact",
    )
