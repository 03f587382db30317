"""``revert_imports`` prints the conflicts of a revert, and resolves them as an option says."""

from __future__ import annotations

import pytest
from django.db import connection

from companies.models import Company
from importsvc.imports.models import ImportState
from people.models import Person
from people.services import NewOrganization
from tests.builders import PUBLISHED_ROWS, make_company, make_person
from tests.imports.revert_command import id_of, import_update, revert, revert_partly, state_of, titles
from tests.imports.steps import import_rows

pytestmark = pytest.mark.django_db


def test_conflicts_are_named(acme: NewOrganization, capsys: pytest.CaptureFixture[str]) -> None:
    import_id = import_rows(acme, {**PUBLISHED_ROWS, "person": [*PUBLISHED_ROWS["person"], {"first_name": "Free"}]}).pk
    company = Company.objects.get(name="Import")
    john = Person.objects.get(first_name="John")
    Person.objects.filter(pk=john.pk).update(title="Boss", last_name=None)
    contact = make_person(organization=acme.organization, company=company)

    lines, summary = revert_partly(capsys, "--dry-run", import_id)

    why = "2 changes or references since the import stand in the way"
    conflicts = [
        f"  companies/{company.pk} (row 1): referred to by people/{contact.pk}",
        f'  people/{john.pk} (row 1): changed since: last_name from "Doe" to null, title from "Contact" to "Boss"',
    ]
    what = "could remove 1 person; 1 company, 1 person in conflict"
    assert lines == [f"Import {import_id}: would be refused: {why}; {what}", *conflicts]
    assert summary == "1 of 1 would be refused"

    lines, summary = revert_partly(capsys, import_id)

    assert lines == [f"Import {import_id}: refused: {why}", *conflicts]
    assert summary == "1 of 1 refused"


def test_only_the_first_conflicts_are_printed(acme: NewOrganization, capsys: pytest.CaptureFixture[str]) -> None:
    import_id = import_rows(acme, {"company": [{"name": f"Company {number}"} for number in range(8)]}).pk
    for company in Company.objects.filter(name__startswith="Company"):
        make_person(organization=acme.organization, company=company)

    lines, _ = revert_partly(capsys, import_id)

    assert len(lines) == 1 + 5 + 1
    assert lines[-1] == "  and 3 more"


def test_edits_can_be_kept(acme: NewOrganization, capsys: pytest.CaptureFixture[str]) -> None:
    import_id = import_update(acme)
    arguments = ("--on-conflict", "keep", import_id)

    assert revert(capsys, "--dry-run", *arguments) == [
        f"Import {import_id}: would remove 1 person; restore 1 person; keep 2 people; 1 person gone already",
        f'  people/{id_of("New")} (row 4): changed since: title from "Made" to "Edited"',
        f'  people/{id_of("Old 2")} (row 2): changed since: title from "Updated" to "Edited"',
    ]
    assert state_of(import_id) == ImportState.PROCESSED
    assert revert(capsys, *arguments) == [
        f"Import {import_id}: removed 1 person; restored 1 person; kept 2 people; 1 person gone already"
    ]
    assert titles() == {"Old 1": "Before", "Old 2": "Edited", "New": "Edited"}


def test_edits_can_be_discarded(acme: NewOrganization, capsys: pytest.CaptureFixture[str]) -> None:
    import_id = import_update(acme)

    assert revert(capsys, "--on-conflict", "discard", import_id) == [
        f"Import {import_id}: removed 2 people; restored 2 people; 1 person gone already"
    ]
    assert titles() == {"Old 1": "Before", "Old 2": "Before"}


@pytest.mark.one_server("a table that is not distributed cannot refer to one that is")
def test_conflicts_other_than_edits_are_named(acme: NewOrganization, capsys: pytest.CaptureFixture[str]) -> None:
    company = make_company(organization=acme.organization, name="Former")
    ann = make_person(organization=acme.organization, first_name="Ann", email="ann@acme.test", company=company)
    rows = {"person": [{"first_name": "Ann", "email": "ann@acme.test", "company": "Acme"}, {"first_name": "Bob"}]}
    import_id = import_rows(acme, rows, on_duplicate="update").pk
    company.delete()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE notes (person bigint REFERENCES people_person)")
        cursor.execute("INSERT INTO notes VALUES (%s)", [id_of("Bob")])

    lines, _ = revert_partly(capsys, import_id)

    assert lines[1:] == [
        f"  people/{ann.pk} (row 1): what it referred to before is gone: company_id",
        f"  people/{id_of('Bob')} (row 2): referred to by notes",
    ]


def test_values_are_printed_without_control_characters_and_cut(
    acme: NewOrganization, capsys: pytest.CaptureFixture[str]
) -> None:
    import_id = import_rows(acme, {"company": [{"name": "Plain"}]}).pk
    company = Company.objects.get(name="Plain")
    Company.objects.filter(pk=company.pk).update(name="\x1b[2J\n", description="long" * 50)

    lines, _ = revert_partly(capsys, import_id)

    edits = f'description from null to "{("long" * 25)[:99]}…, name from "Plain" to "\\u001b[2J\\n"'
    assert lines[1:] == [f"  companies/{company.pk} (row 1): changed since: {edits}"]
