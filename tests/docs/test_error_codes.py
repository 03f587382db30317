"""Every code of a row error, and every reason to refuse a file or a mapping, is documented with an example.

The examples are messages of responses.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any, get_args

import pytest
from django.http import HttpResponse

from importsvc.engine.errors import Code
from importsvc.files.mapping.refusals import ProblemCode
from importsvc.files.reading.tables import Reason
from tests.builders import make_company
from tests.client import ApiClient, document_of
from tests.files.builders import Bytes, change_part, make_workbook
from tests.files.uploads import PEOPLE_1252, send_file, send_options, upload

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"

# In characters: messages in the tables.
LONGEST = 140

# The code and the message of an error.
Example = tuple[str, str]


def read_table(page: str, heading: str) -> dict[str, str]:
    """The examples in the table under a heading of a page, by code."""
    section = (DOCS / page).read_text().partition(f"\n{heading}\n")[2].partition("\n#")[0]
    return dict(re.findall(r"^\| `([a-z_]+)` \| (.*?) \|", section, re.MULTILINE))


def take_first(examples: Iterable[Example]) -> dict[str, str]:
    """The first message of each code; a long one is cut."""
    first: dict[str, str] = {}
    for code, message in examples:
        first.setdefault(code, shorten(message, LONGEST, placeholder=" …"))
    return first


def write_table(examples: Mapping[str, Any]) -> str:
    """What the table of the page has to be, for the message of a test that fails."""
    return "\n".join(f"| `{code}` | {message} |" for code, message in examples.items())


def assert_documented(page: str, heading: str, codes: Sequence[str], found: dict[str, str]) -> None:
    """The table has these codes in this order, with the messages that were found."""
    expected = {code: found.get(code) for code in codes}
    assert None not in expected.values(), f"without an example: {[code for code in codes if code not in found]}"
    assert list(read_table(page, heading).items()) == list(expected.items()), write_table(expected)


# A member that is there twice, which json.dumps() cannot write.
TWICE = '{"a": 1, "a": 2}'
ROWS: dict[str, list[Any]] = {
    "company": [
        {"name": ""},
        {"name": ["Import"]},
        {"name": "x" * 256},
        {"name": "A", "default_currency": "Euro"},
        {"name": "B", "due_days": "soon"},
        {"name": "C", "due_days": -1},
        {"name": "D", "due_days": 2**31},
        {"name": "E", "tag_list": {"vip": True}},
        {"name": "F", "custom_fields": 7},
        {"name": "G", "custom_fields": json.loads('{"a":' * 21 + "1" + "}" * 21)},
        {"name": "H", "custom_fields": "TWICE"},
        {"name": "I\0"},
        {"name": "J\ud800"},
        {"name": "Blues"},
        {"name": "K", "hat": 1},
        {"name": "L", "Name": "L"},
        "M",
    ],
    "person": [
        {"first_name": "Ann", "email": "ann"},
        {"first_name": "Bob", "email": "bob@globex.test"},
        {"first_name": "Rob", "email": "bob@globex.test"},
        {"first_name": "Cid", "company": "Twins"},
        {"first_name": "Dan", "company": "Globex"},
    ],
    "deal": [
        {"name": "N", "value": "much"},
        {"name": "O", "value": "0.001"},
        {"name": "P", "closes_on": "soon"},
    ],
}
WITH_AN_ERROR = {
    "company": [{"name": "Reds", "default_currency": "Euro"}],
    "person": [{"first_name": "Ann", "company": "Reds"}, {"first_name": "Bob"}],
}


def stage_file(api: ApiClient, content: bytes, mapping: Any, *, name: str = "people.csv") -> HttpResponse:
    """The response to a request for an import of a file with a mapping."""
    file = upload(api, content, name=name)
    relationships = {"import_file": {"data": {"type": "import_files", "id": str(file.pk)}}}
    data = {"type": "imports", "attributes": {"mapping": mapping}, "relationships": relationships}
    return api.send("POST", "imports", {"data": data})


def list_row_errors(api: ApiClient, response: HttpResponse) -> Iterator[Example]:
    """The errors of the import that a response is about."""
    import_id = document_of(response)["data"]["id"]
    for error in document_of(api.get(f"imports/{import_id}/errors?page[size]=200"))["data"]:
        yield error["attributes"]["code"], error["attributes"]["message"]


def refuse_rows(api: ApiClient) -> Iterator[Example]:
    """Errors of rows."""
    data = {"type": "imports", "attributes": {"on_row_error": "stage", "import_data": ROWS}}
    staged = api.request("POST", "imports", json.dumps({"data": data}).replace('"TWICE"', TWICE))
    yield from list_row_errors(api, staged)

    skipping = api.send_import("POST", "imports", on_row_error="skip", import_data=WITH_AN_ERROR)
    run = api.request("POST", f"imports/{document_of(skipping)['data']['id']}/import")
    yield from list_row_errors(api, run)

    formula = make_workbook([["Vorname"]], fill=lambda _, sheet: sheet.write_formula(1, 0, "=NA()", value="#N/A"))
    mapping = {"columns": [{"headers": ["Vorname"], "targets": ["person.first_name"]}]}
    yield from list_row_errors(api, stage_file(api, formula.content, mapping, name="people.xlsx"))


@pytest.mark.usefixtures("deals")
def test_every_code_of_a_row_error_is_documented(api: ApiClient) -> None:
    for _ in range(2):
        make_company(organization=api.caller.organization, name="Twins")

    found = take_first(refuse_rows(api))

    assert_documented("row-errors.md", "### Codes", [code.value for code in Code], found)


def encrypt(workbook: Bytes) -> bytes:
    """The workbook, whose archive says that its parts are encrypted."""
    content = bytearray(workbook.content)
    with zipfile.ZipFile(workbook.open()) as archive:
        for member in archive.infolist():
            content[member.header_offset + 6] |= 1
    for found in re.finditer(b"PK\x01\x02", workbook.content):
        content[found.start() + 8] |= 1
    return bytes(content)


def declare_larger(workbook: Bytes) -> bytes:
    """The workbook, whose archive says that a part has 2 GiB without compression."""
    with zipfile.ZipFile(workbook.open()) as archive:
        size = archive.getinfo("xl/styles.xml").file_size.to_bytes(4, "little")
    return workbook.content.replace(size, (2**31 - 1).to_bytes(4, "little"))


def add_row(number: int) -> bytes:
    """A workbook with a value in this row."""
    row = f'<row r="{number}"><c r="A{number}"><v>1</v></c></row></sheetData>'.encode()
    workbook = make_workbook([["Name"], ["Ada"]])
    return change_part(workbook, "xl/worksheets/sheet1.xml", lambda part: part.replace(b"</sheetData>", row)).content


def refuse_files(api: ApiClient) -> Iterator[HttpResponse]:
    """Responses to files that are refused, and to options with which a file cannot be read."""
    people = upload(api, PEOPLE_1252)
    workbook = make_workbook([["Name"], ["Ada"]])
    for content in (
        b"",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        b"Name,Email\nAda,\0\n",
        b",".join([b"Name"] * 1_001) + b"\n",
        add_row(1_048_577),
        workbook.content[:-30],
        encrypt(workbook),
        declare_larger(workbook),
        b'[{"name": "Ada"},',
        b'{"name": "Ada"}',
        b'[{"name": "Ada"}, 7]',
    ):
        name = "people.json" if content[:1] in (b"[", b"{") else ""
        yield send_file(api, content, name=name, content_type="application/octet-stream")
    for options in ({"encoding": "klingon"}, {"encoding": "utf-8"}, {"header_row": 1_000}, {"separator": "abc"}):
        yield send_options(api, people, **options)
    yield send_options(api, upload(api, workbook.content), sheet="People")
    # What is detected from a sample of the rows does not depend on these; they are found when all rows are read.
    for row in (
        b'"Ada,ada@example.com',
        b'"Ada" Lovelace,ada@example.com',
        b"x" * 131_073 + b",ada@example.com",
        b",".join([b"x" * 100_000] * 85),
    ):
        mapping = {"columns": [{"headers": ["Name"], "targets": ["person.first_name"]}], "ignored": ["*"]}
        yield stage_file(api, b"Name,Email\n" + row + b"\n", mapping)


def list_reasons(responses: Iterable[HttpResponse]) -> Iterator[Example]:
    """The reasons in responses, with the sentences."""
    for response in responses:
        assert response.status_code == 422, response.content
        for error in document_of(response)["errors"]:
            yield error["meta"]["reason"], error["detail"]


@pytest.mark.django_db
def test_every_reason_to_refuse_a_file_is_documented(api: ApiClient) -> None:
    found = take_first(list_reasons(refuse_files(api)))

    assert_documented("files.md", "## Refusals", get_args(Reason), found)


LAST_NAME = {"headers": ["Nachname"], "targets": ["person.last_name"]}
COLUMNS: list[Any] = [
    7,
    {"headers": "A"},
    {"headers": [7]},
    {"headers": ["A"], "targets": ["company.name"], "values": {"a": []}},
    {"headers": [""]},
    {"headers": ["x" * 1_001]},
    {"headers": ["\0"]},
    {"header": "A"},
    {"headers": ["B"], "targets": ["person.shoe_size"]},
    {"headers": ["C"], "targets": ["person.custom_fields.born"]},
    {"headers": ["D"], "targets": ["person.title"], "kind": "text"},
    {"headers": ["E"], "targets": ["company.description"], "steps": [{"step": "translate"}]},
    {"headers": ["F"], "targets": ["company.due_days"], "steps": [{"step": "strip_prefix"}]},
    {"headers": ["G"], "targets": ["company.default_currency"], "steps": [{"step": "constant", "value": "EUR"}]},
    {"headers": ["H"], "targets": ["person.first_name", "person.last_name"]},
    {
        "headers": ["I"],
        "targets": ["person.first_name", "person.last_name"],
        "steps": [{"step": "split", "at": "last_space"}],
        "values": {"a": "b"},
    },
    {"headers": ["J"], "targets": ["person.tag_list"], "values": {"vip": "VIP", "Vip": "V.I.P."}},
    {"headers": ["K"], "targets": ["person.email"]},
    {"headers": ["L"], "targets": ["person.email"]},
    {"headers": ["M"], "steps": [{}] * 11},
]


def refuse_mappings(api: ApiClient) -> Iterator[HttpResponse]:
    """Responses to mappings that are refused."""
    attributes = {"name": "Contacts", "columns": COLUMNS, "ignored": ["K"], "match_by": "shoe_size"}
    yield api.send("POST", "import_models", {"data": {"type": "import_models", "attributes": attributes}})

    content = (
        b"Vorname;Nachname;Geburtstag;Betrag;Land\r\n"
        b"Ada;Lovelace;01.02.1990;1.234;GB\r\n"
        b"Bob;Byron;03.04.1991;5.678;GB\r\n"
    )
    first_name = {"headers": ["Vorname"], "targets": ["person.first_name"]}
    born = {"headers": ["Geburtstag"], "targets": ["person.custom_fields.born"], "kind": "date"}
    amount = {"headers": ["Betrag"], "targets": ["person.custom_fields.amount"], "kind": "number"}
    currency = {"headers": ["Land"], "targets": ["company.default_currency"]}
    unknown = {"headers": ["E-Mail"], "targets": ["person.email"]}
    for columns, members in (
        ([first_name, unknown], {}),
        ([], {"ignored": ["*"]}),
        ([LAST_NAME], {"ignored": ["*"]}),
        ([first_name, currency], {"ignored": ["*"]}),
        ([first_name], {"ignored": ["*"], "match_by": "email", "on_duplicate": "update"}),
        ([first_name, born, amount], {"ignored": ["*"]}),
    ):
        yield stage_file(api, content, {"columns": columns, **members})

    def add_people(workbook: Any, _: Any) -> None:
        sheet = workbook.add_worksheet("People")
        for row, cells in enumerate([["Vorname", "Firma"], ["Ada", "Reds"]]):
            sheet.write_row(row, 0, cells)

    in_sheets = [
        {"headers": ["Firma"], "targets": ["company.name"], "sheet": "Data"},
        {"headers": ["Firma"], "targets": ["company.name"], "sheet": "People"},
        {**first_name, "sheet": "People"},
    ]
    two_sheets = make_workbook([["Firma"], ["Reds"]], fill=add_people)
    yield stage_file(api, two_sheets.content, {"columns": in_sheets}, name="people.xlsx")


@pytest.mark.django_db
def test_every_problem_of_a_mapping_is_documented(api: ApiClient) -> None:
    found = take_first(list_reasons(refuse_mappings(api)))

    assert_documented("files.md", "### Problems of a mapping", get_args(ProblemCode), found)
