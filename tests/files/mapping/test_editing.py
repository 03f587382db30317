"""A mapping document is changed by what a caller says of single headers."""

from __future__ import annotations

from importsvc.files.mapping.document import write_mapping
from importsvc.files.mapping.editing import HeaderTarget, edit_mapping
from importsvc.files.mapping.parsing import read_mapping

DOCUMENT = write_mapping(
    read_mapping(
        {
            "columns": [
                {
                    "headers": ["Name"],
                    "targets": ["person.first_name", "person.last_name"],
                    "steps": [{"step": "split", "at": "last_space"}],
                },
                {"headers": ["E-Mail"], "targets": ["person.email"]},
            ],
            "ignored": ["Notes", "Size"],
        }
    )
)


def test_nothing_said_changes_nothing() -> None:
    assert edit_mapping(DOCUMENT, on_duplicate=None) == DOCUMENT


def test_a_header_fills_its_new_target_only() -> None:
    edited = edit_mapping(DOCUMENT, targets=[HeaderTarget("e_mail", "person.title")])
    assert edited["columns"] == [DOCUMENT["columns"][0], {"headers": ["e_mail"], "targets": ["person.title"]}]


def test_a_target_is_taken_from_the_column_that_filled_it() -> None:
    edited = edit_mapping(DOCUMENT, targets=[HeaderTarget("First", "person.first_name")])
    assert edited["columns"] == [DOCUMENT["columns"][1], {"headers": ["First"], "targets": ["person.first_name"]}]


def test_a_header_that_was_ignored_is_mapped_and_the_other_way_round() -> None:
    target = HeaderTarget("size", "person.custom_fields.size", "number")
    edited = edit_mapping(DOCUMENT, targets=[target], ignored=["name"], on_duplicate="update")
    assert edited == {
        **DOCUMENT,
        "columns": [
            DOCUMENT["columns"][1],
            {"headers": ["size"], "targets": ["person.custom_fields.size"], "kind": "number"},
        ],
        "ignored": ["Notes", "name"],
        "on_duplicate": "update",
    }
