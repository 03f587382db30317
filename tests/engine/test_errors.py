"""Row errors in the form of the contract's section 1, and what happens when there are very many."""

from __future__ import annotations

import pytest

from importsvc.engine.errors import REPORTED_ROW_ERRORS, RowError, describe_row_errors, label


def entry(row: int, column: str | None, *messages: str) -> dict[str, object]:
    return {"row": row, "column": column, "messages": list(messages)}


def test_every_type_submitted_has_a_key_also_when_it_is_clean() -> None:
    detail, count = describe_row_errors({"person": [RowError(1, "first_name", "No")], "company": []})

    assert list(detail.items()) == [("person", [entry(1, "first_name", "No")]), ("company", [])]
    assert count == 1


def test_messages_about_one_column_of_one_row_are_one_entry() -> None:
    errors = [
        RowError(1, "email", "A"),
        RowError(1, "email", "B"),
        RowError(1, "title", "C"),
        RowError(2, "title", "D"),
        RowError(2, None, "E"),
        RowError(2, None, "F"),
    ]

    detail, count = describe_row_errors({"person": errors})

    assert detail == {
        "person": [
            entry(1, "email", "A", "B"),
            entry(1, "title", "C"),
            entry(2, "title", "D"),
            entry(2, None, "E", "F"),
        ]
    }
    assert count == 4


@pytest.mark.parametrize(
    ("companies", "people", "reported"),
    [
        (1000, 0, (1000, 0)),
        (600, 400, (600, 400)),
        (600, 500, (600, 400)),
        (1500, 7, (1000, 0)),
        (0, 100_000, (0, 1000)),
    ],
)
def test_the_first_thousand_are_reported_and_all_are_counted(
    companies: int, people: int, reported: tuple[int, int]
) -> None:
    errors = {
        "company": [RowError(row, "name", "No") for row in range(1, companies + 1)],
        "person": [RowError(row, "email", "No") for row in range(1, people + 1)],
    }

    detail, count = describe_row_errors(errors)

    assert detail == {
        "company": [entry(row, "name", "No") for row in range(1, reported[0] + 1)],
        "person": [entry(row, "email", "No") for row in range(1, reported[1] + 1)],
    }
    assert count == companies + people


def test_a_second_message_does_not_open_a_new_entry_at_the_cut() -> None:
    errors = [RowError(row, "email", message) for row in range(1, REPORTED_ROW_ERRORS + 2) for message in "AB"]

    detail, count = describe_row_errors({"person": errors})

    assert detail["person"][-1] == entry(REPORTED_ROW_ERRORS, "email", "A", "B")
    assert len(detail["person"]) == REPORTED_ROW_ERRORS
    assert count == REPORTED_ROW_ERRORS + 1


@pytest.mark.parametrize(
    ("column", "labelled"), [("first_name", "First name"), ("email", "Email"), ("due_days", "Due days"), ("", "")]
)
def test_a_column_starts_a_sentence(column: str, labelled: str) -> None:
    assert label(column) == labelled
