"""Templates: their headers, and the sheet that explains them."""

from __future__ import annotations

import io
from typing import Any

import openpyxl

from importsvc.files.mapping.parsing import read_mapping
from importsvc.files.mapping.templates import explain_columns, write_template

MAPPING = read_mapping(
    {
        "columns": [
            {
                "headers": ["Name"],
                "targets": ["person.first_name", "person.last_name"],
                "steps": [{"step": "split", "at": "last_space"}],
            },
            {"headers": ["=Firma"], "targets": ["person.company"]},
            {"headers": ["Geboren"], "targets": ["person.custom_fields.born"], "kind": "date"},
            {"headers": ["Währung"], "targets": ["company.default_currency"], "values": {"Euro": "EUR"}},
            {"headers": ["Tage"], "targets": ["company.due_days"]},
            {"headers": ["Gruppen"], "targets": ["person.tag_list"], "steps": [{"step": "separate", "by": ";"}]},
            {
                "headers": [],
                "targets": ["company.tag_list"],
                "steps": [{"step": "constant", "value": "fair"}],
            },
        ],
        "formats": {"date_order": "dmy", "decimal_sign": ","},
    }
)


def read_workbook(content: bytes) -> dict[str, list[tuple[Any, ...]]]:
    workbook = openpyxl.load_workbook(io.BytesIO(content))
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in workbook}


def test_each_column_is_explained() -> None:
    assert [tuple(explanation) for explanation in explain_columns(MAPPING)] == [
        ("Name", "First name and last name of person", True, "Both in one cell, with a space between", "Ann Lee"),
        ("=Firma", "Company of person", False, "The name of a company, of this file or of an earlier import", ""),
        ("Geboren", "born of person", False, "A date: day, month, year", "31.12.2026"),
        ("Währung", "Default currency of company", False, "One of Euro; or: a currency code of ISO 4217", "Euro"),
        ("Tage", "Due days of company", False, "A whole number from 0 to 2,147,483,647", "30"),
        ("Gruppen", "Tag list of person", False, "Text with ';' between", "customer;fair"),
    ]


def test_a_csv_template_has_the_headers_and_no_formula() -> None:
    assert write_template(MAPPING, "csv").decode("utf-8-sig") == "Name,'=Firma,Geboren,Währung,Tage,Gruppen\r\n"


def test_a_workbook_has_the_headers_and_a_sheet_of_explanations() -> None:
    sheets = read_workbook(write_template(MAPPING, "xlsx"))

    assert list(sheets) == ["Rows", "Columns"]
    assert sheets["Rows"] == [("Name", "=Firma", "Geboren", "Währung", "Tage", "Gruppen")]
    assert sheets["Columns"][0] == ("Sheet", "Header", "Fills", "Required", "Format", "Example")
    assert sheets["Columns"][3] == (
        "Rows", "Geboren", "born of person", "no", "A date: day, month, year", "31.12.2026",
    )  # fmt: skip
    assert len(sheets["Columns"]) == 7


def test_a_workbook_has_each_sheet_of_the_mapping() -> None:
    mapping = read_mapping(
        {
            "columns": [
                {"headers": ["A"], "targets": ["person.first_name"], "sheet": "a/b"},
                {"headers": ["B"], "targets": ["company.name"], "sheet": "A b"},
                {"headers": ["C"], "targets": ["company.name"], "sheet": "c" * 40},
                {"headers": ["D"], "targets": ["company.description"]},
            ]
        }
    )

    sheets = read_workbook(write_template(mapping, "xlsx"))

    assert {name: rows[0] for name, rows in list(sheets.items())[:-1]} == {
        "a b": ("A", "D"),
        "A b (2)": ("B", "D"),
        "c" * 31: ("C", "D"),
    }
    assert write_template(mapping, "csv").decode("utf-8-sig") == "A,D\r\n"


def test_a_template_is_the_same_whenever_it_is_written() -> None:
    assert write_template(MAPPING, "xlsx") == write_template(MAPPING, "xlsx")
