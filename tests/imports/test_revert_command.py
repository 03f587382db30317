"""Operators revert imports, one after the other, each for itself."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from companies.models import Company
from importsvc.imports.management.commands.revert_imports import Command
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services import create_import
from people.models import Person
from people.services import NewOrganization
from tests.admin_pages import import_rows
from tests.builders import PUBLISHED_ROWS, make_company, make_organization, make_person

pytestmark = pytest.mark.django_db


def revert(capsys: pytest.CaptureFixture[str], *arguments: int | str) -> list[str]:
    """The lines that the command prints when nothing is refused."""
    call_command("revert_imports", *map(str, arguments))
    return capsys.readouterr().out.splitlines()


def revert_partly(capsys: pytest.CaptureFixture[str], *arguments: int | str) -> tuple[list[str], str]:
    """The lines that the command prints, and what it says at the end, when something is refused."""
    with pytest.raises(CommandError) as caught:
        call_command("revert_imports", *map(str, arguments))
    assert caught.value.returncode == 1
    return capsys.readouterr().out.splitlines(), str(caught.value)


def state_of(import_id: int) -> ImportState:
    return Import.objects.get(pk=import_id).state


def test_imports_of_any_organization_are_reverted(acme: NewOrganization, capsys: pytest.CaptureFixture[str]) -> None:
    first = import_rows(acme, PUBLISHED_ROWS).pk
    second = import_rows(make_organization(), {"person": [{"first_name": "A"}, {"first_name": "B"}]}).pk

    assert revert(capsys, first, second) == [
        f"Import {first}: removed 1 company, 1 person",
        f"Import {second}: removed 2 people",
    ]
    assert not Company.objects.filter(name="Import").exists()
    assert state_of(first) == state_of(second) == ImportState.REVERTED


def test_a_dry_run_changes_nothing(acme: NewOrganization, capsys: pytest.CaptureFixture[str]) -> None:
    import_id = import_rows(acme, PUBLISHED_ROWS).pk

    assert revert(capsys, "--dry-run", import_id) == [f"Import {import_id}: would remove 1 company, 1 person"]
    assert Company.objects.filter(name="Import").exists()
    assert state_of(import_id) == ImportState.PROCESSED


def test_an_import_whose_records_are_gone_is_reverted(
    acme: NewOrganization, capsys: pytest.CaptureFixture[str]
) -> None:
    import_id = import_rows(acme, {"company": [{"name": "Gone"}]}).pk
    Company.objects.get(name="Gone").delete()

    assert revert(capsys, import_id) == [f"Import {import_id}: removed nothing"]


def test_what_is_refused_does_not_keep_the_others_from_being_reverted(
    acme: NewOrganization, capsys: pytest.CaptureFixture[str]
) -> None:
    staged = create_import(organization=acme.organization, creator=acme.person, import_data=PUBLISHED_ROWS).pk
    done = import_rows(acme, PUBLISHED_ROWS).pk

    lines, summary = revert_partly(capsys, staged, done, done, done + 1000)

    assert lines == [
        f"Import {staged}: refused: The import is in state 'created' and cannot be reverted",
        f"Import {done}: removed 1 company, 1 person",
        f"Import {done}: refused: The import is in state 'reverted' and cannot be reverted",
        f"Import {done + 1000}: refused: not found",
    ]
    assert summary == "3 of 4 refused"


def test_conflicts_are_named(acme: NewOrganization, capsys: pytest.CaptureFixture[str]) -> None:
    import_id = import_rows(acme, PUBLISHED_ROWS).pk
    company = Company.objects.get(name="Import")
    john = Person.objects.get(first_name="John")
    Person.objects.filter(pk=john.pk).update(title="Boss", last_name=None)
    contact = make_person(organization=acme.organization, company=company)

    lines, summary = revert_partly(capsys, "--dry-run", import_id)

    assert lines == [
        f"Import {import_id}: refused: 2 changes or references since the import stand in the way",
        f"  companies/{company.pk} (row 1): referred to by people/{contact.pk}",
        f"  people/{john.pk} (row 1): changed since: last_name, title",
    ]
    assert summary == "1 of 1 refused"


def test_only_the_first_conflicts_are_named(acme: NewOrganization, capsys: pytest.CaptureFixture[str]) -> None:
    import_id = import_rows(acme, {"company": [{"name": f"Company {number}"} for number in range(8)]}).pk
    for company in Company.objects.filter(name__startswith="Company"):
        make_person(organization=acme.organization, company=company)

    lines, _ = revert_partly(capsys, import_id)

    assert len(lines) == 1 + 5 + 1
    assert lines[-1] == "  and 3 more"


def test_newer_imports_go_first_where_older_ones_are_referred_to(
    acme: NewOrganization, capsys: pytest.CaptureFixture[str]
) -> None:
    older = import_rows(acme, {"company": [{"name": "Old"}]}).pk
    newer = import_rows(acme, {"person": [{"first_name": "New", "company": "old"}]}).pk
    make_company(organization=acme.organization, name="Other")

    assert revert_partly(capsys, older)[1] == "1 of 1 refused"
    assert revert(capsys, newer, older) == [
        f"Import {newer}: removed 1 person",
        f"Import {older}: removed 1 company",
    ]


@pytest.mark.parametrize("arguments", [[], ["0"], ["-1"], ["x"], ["1.5"], ["1", "٢"], ["9" * 20], ["1", "--wet-run"]])
def test_bad_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    parser = Command().create_parser("manage.py", "revert_imports")
    parser.called_from_command_line = True
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(arguments)
    assert caught.value.code == 2
    assert "usage: " in capsys.readouterr().err
