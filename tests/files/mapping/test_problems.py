"""What keeps a mapping from being used for a table."""

from __future__ import annotations

from typing import Any

import pytest

from importsvc.files.mapping.document import Formats
from importsvc.files.mapping.parsing import read_mapping
from importsvc.files.mapping.problems import find_problems, get_formats
from importsvc.files.mapping.sides import find_derived_types
from importsvc.files.reading.detecting import detect
from tests.files.builders import Bytes

NAME = {"headers": ["Vorname"], "targets": ["person.first_name"]}
BORN = {"headers": ["Geburtstag"], "targets": ["person.custom_fields.born"], "kind": "date"}


def find(mapping: Any, *lines: str, sheet: str | None = None) -> list[tuple[str, ...]]:
    """The problems of a mapping with a file of these lines, the first of which has the headers."""
    detection = detect(Bytes("\n".join(lines).encode()))
    headers = [column.header for column in detection.columns]
    found = find_problems(read_mapping(mapping), headers=headers, sheet=sheet, detection=detection)
    return [tuple(problem) for problem in found]


def test_a_mapping_that_says_something_of_every_column_has_no_problem() -> None:
    assert find({"columns": [NAME], "ignored": ["notes"]}, "vorname;Notes;import_row", "Ann;x;1", "Bo;y;2") == []


def test_all_other_columns_can_be_ignored_at_once() -> None:
    assert find({"columns": [NAME], "ignored": ["*"]}, "Vorname;Notes;X", "Ann;x;1", "Bo;;2") == []


def test_every_problem_is_told_at_once() -> None:
    mapping = {"columns": [{"headers": ["Mail"], "targets": ["person.email"]}], "match_by": "name"}

    assert find(mapping, "Vorname;Notes", "Ann;x", "Bo;y") == [
        ("unknown_header", "/columns/0/headers/0", "The file has no column 'Mail'"),
        ("open_header", "/columns", "'Vorname' is neither mapped nor ignored"),
        ("open_header", "/columns", "'Notes' is neither mapped nor ignored"),
        ("target_required", "/columns", "person.first_name is required, and is filled by no column"),
        ("match_by_not_mapped", "/match_by", "Rows are matched by name, which no column fills"),
    ]


def test_nothing_mapped_is_a_problem() -> None:
    assert find({"ignored": ["Vorname"]}, "Vorname", "Ann", "Bo") == [
        ("nothing_mapped", "/columns", "No column fills a target")
    ]


def test_a_required_column_may_be_missing_where_rows_can_match_records() -> None:
    mapping = {"columns": [{"headers": ["Mail"], "targets": ["person.email"]}], "on_duplicate": "update"}

    assert find(mapping, "Mail", "ann@acme.test", "bo@acme.test") == []


def test_a_company_has_to_be_named_to_be_derived() -> None:
    currency = {"headers": ["W"], "targets": ["company.default_currency"]}
    company = {"headers": ["F"], "targets": ["person.company"]}

    assert find({"columns": [NAME, currency]}, "Vorname;W", "Ann;EUR", "Bo;USD") == [
        (
            "key_required",
            "/columns",
            "company.name is filled by no column, so a row does not say which company it means",
        )
    ]
    assert find({"columns": [NAME, currency, company]}, "Vorname;W;F", "Ann;EUR;A", "Bo;USD;B") == []


@pytest.mark.parametrize("formats", [{}, {"date_order": "dmy"}])
def test_dates_that_fit_two_orders_are_asked_about(formats: Any) -> None:
    mapping = {"columns": [NAME, BORN], "formats": formats}
    message = "The dates of 'Geburtstag' can be read in two orders: say which, dmy or mdy"
    asked = [("ambiguous_date_order", "/formats/date_order", message)]

    assert find(mapping, "Vorname;Geburtstag", "Ann;01.02.1990", "Bo;03.04.1991") == ([] if formats else asked)


def test_dates_that_fit_one_order_are_not_asked_about() -> None:
    assert find({"columns": [NAME, BORN]}, "Vorname;Geburtstag", "Ann;31.02.1990", "Bo;13.04.1991") == []


def test_a_type_has_no_values_beside_another_one_if_a_sheet_lists_it() -> None:
    columns = [
        {"headers": ["F"], "targets": ["company.name"], "sheet": "Firmen"},
        {**NAME, "sheet": "Leute"},
        {"headers": ["F"], "targets": ["company.name"], "sheet": "Leute"},
    ]

    assert find({"columns": columns}, "Vorname;F", "Ann;A", "Bo;B", sheet="Leute") == [
        ("type_in_two_sheets", "/columns", "company has columns in sheet 'Leute', and a sheet of its own")
    ]


def test_derived_types_are_those_that_no_sheet_lists() -> None:
    company = {"headers": ["F"], "targets": ["person.company"]}
    both = read_mapping({"columns": [NAME, company]})
    alone = read_mapping({"columns": [NAME]})
    apart = read_mapping(
        {"columns": [{**NAME, "sheet": "L"}, {"headers": ["F"], "targets": ["company.name"], "sheet": "F"}]}
    )

    assert find_derived_types(both, [None]) == ["company"]
    assert find_derived_types(alone, [None]) == []
    assert find_derived_types(apart, ["L", "F"]) == []


def test_the_formats_of_a_file_are_those_that_it_is_read_with() -> None:
    detection = detect(Bytes(b"a;b\n1,5;31.12.2026\n2,5;30.11.2026\n"))

    assert get_formats(detection.options()) == Formats("dmy", ",")
    assert Formats("mdy").or_else(get_formats(detection.options())) == Formats("mdy", ",")
