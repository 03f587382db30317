"""Ready-made mappings, each with the headers that its program writes."""

from __future__ import annotations

import pytest

from importsvc.files.mapping.document import Formats
from importsvc.files.mapping.problems import find_problems
from importsvc.files.mapping.ready_made import find_ready_made, get_ready_mades
from importsvc.files.mapping.rows import RowMapper
from importsvc.files.reading.detecting import detect
from importsvc.files.reading.opening import open_table
from tests.files.builders import Bytes
from tests.files.mapping.test_rows import fold, read_rows

FILES = {
    "google_contacts": (
        (
            "First Name,Middle Name,Last Name,Phonetic First Name,Phonetic Middle Name,Phonetic Last Name,Name Prefix,"
            "Name Suffix,Nickname,File As,Organization Name,Organization Title,Organization Department,Birthday,Notes,"
            "Photo,Labels,E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Label,Phone 1 - Value"
        ),
        "Ann,,Lee,,,,,,,,Acme,CEO,,,,,Fair 2026 ::: Customers ::: * myContacts,* Work,ann@acme.test,Mobile,+385 1 234",
    ),
    "hubspot_contacts": (
        (
            "Record ID,First Name,Last Name,Email,Phone Number,Contact owner,Lead Status,Marketing contact status,"
            "Create Date,Associated Company IDs,Associated Company"
        ),
        "51,Ann,Lee,ann@acme.test,+385 1 234,,New,,2026-01-05 10:00,7,Acme",
    ),
    "outlook": (
        (
            "Title,First Name,Middle Name,Last Name,Suffix,Company,Department,Job Title,Business Street,Business City,"
            "Business Fax,Business Phone,Categories,E-mail Address,E-mail Type,E-mail Display Name,Web Page"
        ),
        "Dr.,Ann,,Lee,,Acme,,CEO,,Zagreb,,,Fair 2026;Customers,ann@acme.test,SMTP,Ann Lee (ann@acme.test),",
    ),
    "salesforce_contacts": (
        (
            "Salutation,First Name,Last Name,Title,Account Name,Mailing Street,Mailing City,Mailing State/Province,"
            "Mailing Zip/Postal Code,Mailing Country,Phone,Fax,Mobile,Email,Account Owner"
        ),
        "Ms.,Ann,Lee,CEO,Acme,,Zagreb,,10000,Croatia,,,,ann@acme.test,Ada",
    ),
}


def test_there_is_a_ready_made_mapping_for_each_of_these_exports() -> None:
    assert [(ready_made.key, ready_made.name) for ready_made in get_ready_mades()] == [
        ("google_contacts", "Google Contacts"),
        ("hubspot_contacts", "HubSpot contacts"),
        ("outlook", "Outlook"),
        ("salesforce_contacts", "Salesforce contacts"),
    ]
    assert find_ready_made("lotus_notes") is None


@pytest.mark.parametrize("key", FILES)
def test_an_export_is_mapped_without_a_problem(key: str) -> None:
    ready_made = find_ready_made(key)
    assert ready_made
    source = Bytes("\n".join(FILES[key]).encode())
    detection = detect(source)

    with open_table(source, detection.options()) as table:
        headers = table.headers
        problems = find_problems(ready_made.mapping, headers=headers, sheet=table.sheet, detection=detection)
        mapper = RowMapper(ready_made.mapping, headers=headers, sheet=table.sheet, formats=Formats(), fold=fold)
        rows = read_rows(list(mapper.map_rows(table.rows())))

    title = {} if key == "hubspot_contacts" else {"title": "CEO"}
    tags = {"tag_list": ["Fair 2026", "Customers"]} if key in ("google_contacts", "outlook") else {}
    person = {"first_name": "Ann", "last_name": "Lee", "email": "ann@acme.test", "company": "Acme", **title, **tags}
    assert problems == []
    assert rows == {"company": [(2, {"name": "Acme"})], "person": [(2, person)]}
