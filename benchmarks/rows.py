"""The rows that are imported: like the rows of the published page, ten people to a company."""

from __future__ import annotations

import json
from typing import Any

# Every so many rows one is bad, where bad ones are asked for.
BAD_EVERY = 100

BAD_CELLS = (("Email", "john.mail.com"), ("First Name", " "), ("Company", "Nobody & Sons"), ("Last Name", "x" * 300))

ImportData = dict[str, list[dict[str, str]]]


def make_document(attributes: dict[str, Any]) -> bytes:
    """The body of a request about an import."""
    return json.dumps({"data": {"type": "imports", "attributes": attributes}}).encode()


def make_body(import_data: ImportData) -> bytes:
    """The body of a request with these rows in the string form of the published page: as text that holds JSON."""
    return make_document({"import_data": json.dumps(import_data)})


def make_object_body(import_data: ImportData) -> bytes:
    """The body of a request with the same rows in the object form: as a part of the document."""
    return make_document({"import_data": import_data})


def make_misspelt_body(import_data: ImportData) -> bytes:
    """The same in the object form, with one header of each person misspelt."""
    return make_object_body(import_data).replace(b'"First Name":', b'"Frist Name":')


def make_repeated_body(row: bytes, count: int) -> bytes:
    """The body of a request in the object form whose people are one row, given as JSON, so many times."""
    rows = b",".join([row] * count)
    return b'{"data":{"type":"imports","attributes":{"import_data":{"person":[' + rows + b"]}}}}"


def make_rows(people: int, *, prefix: str = "") -> ImportData:
    """So many people and a tenth as many companies, with names and addresses that start with the prefix."""
    companies = max(people // 10, 1)
    return {
        "company": [{"name": f"{prefix}Company {number}"} for number in range(companies)],
        "person": [
            {
                "Company": f"{prefix}Company {number % companies}",
                "First Name": f"John{number}",
                "Last Name": "Doe",
                "Email": f"{prefix}john{number}@mail.com".lower(),
                "Title": "Contact",
            }
            for number in range(people)
        ],
    }


def spoil_rows(rows: ImportData) -> int:
    """Make one row in a hundred bad, in its name or one of ``BAD_CELLS`` in turn; returns how many are bad now."""
    bad = 0
    unnamed = set()
    for company in rows["company"][BAD_EVERY - 1 :: BAD_EVERY]:
        unnamed.add(company["name"])
        company["name"] = ""
        bad += 1
    for person in rows["person"]:
        # Otherwise each of these people is one more error.
        if person["Company"] in unnamed:
            person["Company"] = rows["company"][0]["name"]
    for number, person in enumerate(rows["person"][BAD_EVERY - 1 :: BAD_EVERY]):
        column, value = BAD_CELLS[number % len(BAD_CELLS)]
        person[column] = value
        bad += 1
    return bad
