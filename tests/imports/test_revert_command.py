"""Operators revert imports, one after the other, each for itself."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from companies.models import Company
from importsvc.imports.management.commands.revert_imports import Command
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services import create_import
from importsvc.management.output import Refused
from people.models import Person
from people.services import NewOrganization
from tests.admin_pages import import_rows
from tests.builders import PUBLISHED_ROWS, make_company, make_organization, make_person
from tests.command_line import manage

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


def import_update(caller: NewOrganization) -> int:
    """An import that updated three people and made two, of which one each was edited since, and one is gone."""
    rows: list[dict[str, str]] = []
    for number in (1, 2, 3):
        person = {"first_name": f"Old {number}", "email": f"old{number}@acme.test"}
        make_person(organization=caller.organization, title="Before", **person)
        rows.append({**person, "title": "Updated"})
    rows += [{"first_name": "New", "title": "Made"}, {"first_name": "Newer", "title": "Made"}]
    import_id = import_rows(caller, {"person": rows}, on_duplicate="update").pk
    Person.objects.filter(first_name__in=["Old 2", "New"]).update(title="Edited")
    Person.objects.get(first_name="Old 3").delete()
    return import_id


def id_of(first_name: str) -> int:
    return Person.objects.get(first_name=first_name).pk


def titles() -> dict[str, str | None]:
    """What the people with a title have, by first name."""
    return dict(Person.objects.exclude(title=None).values_list("first_name", "title"))


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

    assert revert(capsys, import_id) == [f"Import {import_id}: removed nothing; 1 company gone already"]


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


def test_conflicts_may_be_kept(acme: NewOrganization, capsys: pytest.CaptureFixture[str]) -> None:
    import_id = import_update(acme)
    arguments = ("--on-conflict", "keep", import_id)

    assert revert(capsys, "--dry-run", *arguments) == [
        f"Import {import_id}: would remove 1 person; restore 1 person; 2 people in conflict; 1 person gone already",
        f'  people/{id_of("New")} (row 4): changed since: title from "Made" to "Edited"',
        f'  people/{id_of("Old 2")} (row 2): changed since: title from "Updated" to "Edited"',
    ]
    assert state_of(import_id) == ImportState.PROCESSED
    assert revert(capsys, *arguments) == [
        f"Import {import_id}: removed 1 person; restored 1 person; kept 2 people; 1 person gone already"
    ]
    assert titles() == {"Old 1": "Before", "Old 2": "Edited", "New": "Edited"}


def test_changes_may_be_discarded(acme: NewOrganization, capsys: pytest.CaptureFixture[str]) -> None:
    import_id = import_update(acme)

    assert revert(capsys, "--on-conflict", "discard", import_id) == [
        f"Import {import_id}: removed 2 people; restored 2 people; 1 person gone already"
    ]
    assert titles() == {"Old 1": "Before", "Old 2": "Before"}


def test_other_obstacles_are_named(acme: NewOrganization, capsys: pytest.CaptureFixture[str]) -> None:
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


def test_values_do_nothing_to_a_terminal_and_are_cut(acme: NewOrganization, capsys: pytest.CaptureFixture[str]) -> None:
    import_id = import_rows(acme, {"company": [{"name": "Plain"}]}).pk
    company = Company.objects.get(name="Plain")
    Company.objects.filter(pk=company.pk).update(name="\x1b[2J\n", description="long" * 50)

    lines, _ = revert_partly(capsys, import_id)

    edits = f'description from null to "{("long" * 25)[:99]}…, name from "Plain" to "\\u001b[2J\\n"'
    assert lines[1:] == [f"  companies/{company.pk} (row 1): changed since: {edits}"]


def test_the_operator_is_kept_on_the_import(
    acme: NewOrganization, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = import_rows(acme, PUBLISHED_ROWS).pk
    monkeypatch.setenv("LOGNAME", "grace")

    revert(capsys, import_id)

    assert Import.objects.get().reverted_by == {"kind": "operator", "name": "grace", "id": None}


def test_an_account_without_a_name_is_kept_by_number(
    acme: NewOrganization, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = import_rows(acme, PUBLISHED_ROWS).pk
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)

    revert(capsys, import_id)

    assert Import.objects.get().reverted_by == {"kind": "operator", "name": "uid 54321", "id": None}


def test_an_account_whose_name_is_no_text_is_kept_as_far_as_it_is(
    acme: NewOrganization, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = import_rows(acme, PUBLISHED_ROWS).pk
    monkeypatch.setenv("LOGNAME", "gr\udce9ce")

    revert(capsys, import_id)

    assert Import.objects.get().reverted_by == {"kind": "operator", "name": "gr?ce", "id": None}


def test_a_terminal_is_shown_how_far_it_is(
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


def test_scripts_are_told_in_one_document_what_was_done(
    acme: NewOrganization, capsys: pytest.CaptureFixture[str]
) -> None:
    import_id = import_update(acme)
    edited = {name: str(id_of(name)) for name in ("Old 2", "New")}

    def read(*arguments: object) -> Any:
        call_command("revert_imports", *map(str, arguments), "--json")
        return json.loads(capsys.readouterr().out)

    def conflict(name: str, row: int, then: str) -> dict[str, Any]:
        described = {"type": "people", "id": edited[name], "row": row, "reason": "changed", "fields": ["title"]}
        return {**described, "then": {"title": then}, "now": {"title": "Edited"}}

    conflicts = [conflict("New", 4, "Made"), conflict("Old 2", 2, "Updated")]
    seen = {"removed": {"person": 1}, "restored": {"person": 1}, "conflict": {"person": 2}, "gone": {"person": 1}}
    counted = {"conflicts": conflicts, "conflict_count": 2}
    assert read(import_id, "--dry-run", "--on-conflict", "keep") == {
        "dry_run": True,
        "on_conflict": "keep",
        "imports": [{"id": import_id, "refusal": None, **seen, **counted}],
    }
    with pytest.raises(CommandError, match="1 of 1 refused") as caught:
        read(import_id)
    assert isinstance(caught.value.__cause__, Refused)
    refusal = "2 changes or references since the import stand in the way"
    assert caught.value.__cause__.data["imports"] == [{"id": import_id, "refusal": refusal, **counted}]
    assert read(import_id, "--on-conflict", "keep") == {
        "dry_run": False,
        "on_conflict": "keep",
        "imports": [
            {
                "id": import_id,
                "refusal": None,
                "removed": {"person": 1},
                "restored": {"person": 1},
                "kept": {"person": 2},
                "gone": {"person": 1},
                "conflicts": [],
                "conflict_count": 0,
            }
        ],
    }


@pytest.mark.django_db(transaction=True)
def test_a_refusal_is_a_document_with_the_same_exit_code(acme: NewOrganization) -> None:
    done = manage("revert_imports", "99", "--json")

    assert done.code == 1
    assert json.loads(done.out) == {
        "error": "1 of 1 refused",
        "dry_run": False,
        "on_conflict": "refuse",
        "imports": [{"id": 99, "refusal": "not found", "conflicts": [], "conflict_count": 0}],
    }
    usage = manage("revert_imports", "--json")
    assert usage.code == 2
    assert list(json.loads(usage.out)) == ["error"]
