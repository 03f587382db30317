"""Row errors have the form of the contract's section 1, and are cut if there are too many."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from importsvc.engine.errors import REPORTED_ROW_ERRORS, Code, RowError, RowErrors, label


def entry(row: int, column: str | None, *messages: str) -> dict[str, object]:
    return {"row": row, "column": column, "messages": list(messages)}


def errors_of(column: str, rows: Iterable[int]) -> list[RowError]:
    return [RowError(row, column, "No", Code.INVALID) for row in rows]


def test_every_submitted_type_has_a_key_in_the_order_submitted_even_without_errors() -> None:
    errors = RowErrors()
    errors.add("company", [])
    errors.add("person", errors_of("first_name", [1]))

    assert list(errors.describe(["person", "company", "deal"]).items()) == [
        ("person", [entry(1, "first_name", "No")]),
        ("company", []),
        ("deal", []),
    ]
    assert (errors.entry_count, errors.error_count) == (1, 1)


def test_messages_about_one_column_of_one_row_are_one_entry() -> None:
    errors = RowErrors()
    errors.add(
        "person",
        [
            RowError(1, "email", "A", Code.INVALID),
            RowError(1, "email", "B", Code.INVALID),
            RowError(1, "title", "C", Code.INVALID),
            RowError(1, "email", "D", Code.INVALID),
            RowError(2, "title", "E", Code.INVALID),
            RowError(2, None, "F", Code.INVALID),
            RowError(2, None, "G", Code.INVALID),
        ],
    )

    assert errors.describe(["person"]) == {
        "person": [
            entry(1, "email", "A", "B", "D"),
            entry(1, "title", "C"),
            entry(2, "title", "E"),
            entry(2, None, "F", "G"),
        ]
    }
    assert (errors.entry_count, errors.error_count) == (4, 7)


def test_errors_of_later_rows_of_a_type_follow_those_of_earlier_rows() -> None:
    errors = RowErrors()
    errors.add("company", errors_of("name", [1, 3]))
    errors.add("person", errors_of("email", [1]))
    errors.add("company", errors_of("name", [4]))

    assert errors.describe(["company", "person"]) == {
        "company": [entry(1, "name", "No"), entry(3, "name", "No"), entry(4, "name", "No")],
        "person": [entry(1, "email", "No")],
    }
    assert (errors.entry_count, errors.error_count) == (4, 4)


def test_row_errors_are_true_once_there_is_an_error() -> None:
    errors = RowErrors()
    assert not errors
    errors.add("company", [])
    assert not errors
    errors.add("company", errors_of("name", [1]))
    assert errors


@pytest.mark.parametrize("submitted", [["company", "person"], ["person", "company"]])
@pytest.mark.parametrize(
    ("companies", "people"), [(1000, 0), (600, 400), (600, 500), (1500, 7), (0, 100_000), (1500, 1500)]
)
@pytest.mark.parametrize("chunk_rows", [2_000, 130])
def test_the_first_thousand_are_reported_in_the_order_submitted_and_all_are_counted(
    submitted: list[str], companies: int, people: int, chunk_rows: int
) -> None:
    errors = RowErrors()
    counts = {"company": companies, "person": people}
    for type_name, count in counts.items():
        for start in range(1, count + 1, chunk_rows):
            errors.add(type_name, errors_of("name", range(start, min(start + chunk_rows, count + 1))))

    first, second = submitted
    reported = {first: min(counts[first], 1000), second: min(counts[second], 1000 - min(counts[first], 1000))}
    assert errors.describe(submitted) == {
        name: [entry(row, "name", "No") for row in range(1, count + 1)] for name, count in reported.items()
    }
    assert (errors.entry_count, errors.error_count) == (companies + people, companies + people)


def test_a_second_message_does_not_open_a_new_entry_at_the_cut() -> None:
    errors = RowErrors()
    errors.add(
        "person",
        [
            RowError(row, "email", message, Code.INVALID)
            for row in range(1, REPORTED_ROW_ERRORS + 2)
            for message in "AB"
        ],
    )

    entries = errors.describe(["person"])["person"]
    assert entries[-1] == entry(REPORTED_ROW_ERRORS, "email", "A", "B")
    assert len(entries) == REPORTED_ROW_ERRORS
    assert (errors.entry_count, errors.error_count) == (REPORTED_ROW_ERRORS + 1, 2 * REPORTED_ROW_ERRORS + 2)


def test_errors_that_are_not_listed_are_counted() -> None:
    errors = RowErrors()
    errors.add("person", errors_of("a", [1]), uncounted=5)
    errors.add("person", errors_of("b", [2]), uncounted=2)

    assert errors.describe(["person"]) == {"person": [entry(1, "a", "No"), entry(2, "b", "No")]}
    assert (errors.entry_count, errors.error_count) == (9, 9)


@pytest.mark.parametrize(
    ("column", "labelled"), [("first_name", "First name"), ("email", "Email"), ("due_days", "Due days"), ("", "")]
)
def test_a_message_starts_with_the_capitalized_name_of_its_column(column: str, labelled: str) -> None:
    assert label(column) == labelled
