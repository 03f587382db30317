"""``revert_imports`` reverts imports one after the other, each in a transaction of its own."""

from __future__ import annotations

import os
import sys

import pytest
from django.core.management import call_command

from companies.models import Company
from importsvc.imports.management.commands.revert_imports import Command
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services import create_import
from people.services import NewOrganization
from tests.builders import PUBLISHED_ROWS, make_company, make_organization
from tests.imports.revert_command import revert, revert_partly, state_of
from tests.imports.steps import import_rows

pytestmark = pytest.mark.django_db


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

    assert revert(capsys, import_id) == [f"Import {import_id}: removed nothing; 1 company gone already"]


def test_a_refused_import_does_not_stop_the_reverts_of_other_imports(
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


def test_newer_imports_are_reverted_before_the_older_ones_they_refer_to(
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


def test_the_operator_is_stored_on_the_import(
    acme: NewOrganization, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = import_rows(acme, PUBLISHED_ROWS).pk
    monkeypatch.setenv("LOGNAME", "grace")

    revert(capsys, import_id)

    assert Import.objects.get().reverted_by == {"kind": "operator", "name": "grace", "id": None}


def test_an_account_without_a_name_is_stored_by_its_number(
    acme: NewOrganization, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = import_rows(acme, PUBLISHED_ROWS).pk
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)

    revert(capsys, import_id)

    assert Import.objects.get().reverted_by == {"kind": "operator", "name": "uid 54321", "id": None}


def test_an_account_name_that_is_not_valid_text_is_stored_as_far_as_it_is(
    acme: NewOrganization, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = import_rows(acme, PUBLISHED_ROWS).pk
    monkeypatch.setenv("LOGNAME", "gr\udce9ce")

    revert(capsys, import_id)

    assert Import.objects.get().reverted_by == {"kind": "operator", "name": "gr?ce", "id": None}


def test_a_terminal_shows_progress(
    acme: NewOrganization, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = import_rows(acme, PUBLISHED_ROWS).pk
    call_command("revert_imports", "--dry-run", str(import_id))
    assert capsys.readouterr().err == ""

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    call_command("revert_imports", "--dry-run", str(import_id))

    shown = capsys.readouterr()
    assert shown.out == f"Import {import_id}: would remove 1 company, 1 person\n"
    assert "0/1" in shown.err


@pytest.mark.parametrize(
    "arguments",
    [["0"], ["-1"], ["x"], ["1.5"], ["1", "٢"], ["9" * 20], ["1", "--wet-run"], ["1", "--on-conflict", "ask"]],
)
def test_bad_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    parser = Command().create_parser("manage.py", "revert_imports")
    parser.called_from_command_line = True
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(arguments)
    assert caught.value.code == 2
    assert "usage: " in capsys.readouterr().err
