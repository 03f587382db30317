"""``import_file`` imports all rows of a file, or none, and prints every row error in a table."""

from __future__ import annotations

import csv
import getpass
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.core.management import CommandError, call_command

from companies.models import Company
from importsvc.errors import Busy
from importsvc.imports.actors import find_operator
from importsvc.imports.management.commands import import_file
from importsvc.imports.models import Import, ImportState
from people.models import Person
from people.services import NewOrganization
from tests.builders import PUBLISHED_ROWS, make_company, make_organization, make_person
from tests.imports.steps import counts
from tests.snapshots import take_snapshot
from tests.staged import read_staged

WRONG_ROWS = {
    "company": [{"name": "Acme"}],
    "person": [
        {"First Name": "=1+1", "E-Mail": "-", "company": "+Nowhere"},
        "John",
        {"first_name": "Jane", "Nick Name": "@j", "title": None, "role": {"id": 7}},
    ],
}


class Shell(NamedTuple):
    """Runs the command for Ada of Acme, in a folder of the test."""

    acme: NewOrganization
    folder: Path
    capsys: pytest.CaptureFixture[str]

    def write(self, rows: Any) -> str:
        """The path of a file with these rows."""
        path = self.folder / "rows.json"
        path.write_bytes(rows if isinstance(rows, bytes) else json.dumps(rows).encode())
        return str(path)

    def run(self, rows: Any, *options: Any, **changed: Any) -> str:
        """The output of a command that succeeds."""
        self._call(rows, *options, **changed)
        printed = self.capsys.readouterr()
        assert printed.err == ""
        return printed.out

    def refuse(self, rows: Any, *options: Any, code: int = 1, **changed: Any) -> tuple[str, str]:
        """The output and the error of a command that is refused; checks that nothing has changed."""
        before = take_snapshot()
        with pytest.raises(CommandError) as caught:
            self._call(rows, *options, **changed)
        assert caught.value.returncode == code
        assert take_snapshot() == before
        printed = self.capsys.readouterr()
        assert printed.err == ""
        return printed.out, str(caught.value)

    def _call(
        self, rows: Any, *options: Any, organization: int | None = None, email: str = "ada@acme.test", file: str = ""
    ) -> None:
        caller = ["--organization", str(organization or self.acme.organization.pk), "--email", email]
        call_command("import_file", file or self.write(rows), *caller, *map(str, options))


@pytest.fixture
def shell(acme: NewOrganization, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(acme, tmp_path, capsys)


def read_table(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_a_file_becomes_records_of_an_import_like_any_other(shell: Shell) -> None:
    printed = shell.run(PUBLISHED_ROWS, email=" ADA@acme.TEST")

    import_ = Import.objects.get()
    assert printed == f"Import {import_.pk}: created 1 company, 1 person\n"
    assert (import_.organization, import_.creator) == (shell.acme.organization, shell.acme.person)
    assert (import_.state, import_.on_duplicate, import_.sample) == (ImportState.PROCESSED, "error", False)
    assert json.loads(read_staged(import_)) == PUBLISHED_ROWS
    assert import_.processed_by == {"kind": "operator", "name": getpass.getuser(), "id": None}
    john = Person.objects.get(first_name="John")
    assert john.company == Company.objects.get(name="Import")


def test_json_output_has_the_id_and_the_counts_of_the_import(shell: Shell) -> None:
    document = json.loads(shell.run(PUBLISHED_ROWS, "--json"))
    made = counts(created=1)
    assert document == {
        "import_id": Import.objects.get().pk,
        "dry_run": False,
        "counts": {"company": made, "person": made},
    }


@pytest.mark.parametrize("content", ["plain", "bom", "spaced"])
def test_a_file_may_have_a_byte_order_mark_and_space(shell: Shell, content: str) -> None:
    text = json.dumps({"company": [{"name": "Žuti"}]}, ensure_ascii=False).encode()
    shell.run({"plain": text, "bom": b"\xef\xbb\xbf" + text, "spaced": b"\n\t " + text + b"\n"}[content])
    assert Company.objects.filter(name="Žuti").exists()


@pytest.mark.parametrize(
    ("on_duplicate", "planned", "summary"),
    [
        ("skip", "would create 1 person; skip 1 company", "created 1 person; skipped 1 company"),
        ("update", "would create 1 person; update 1 company", "created 1 person; updated 1 company"),
    ],
)
def test_existing_records_are_skipped_or_updated(shell: Shell, on_duplicate: str, planned: str, summary: str) -> None:
    make_company(organization=shell.acme.organization, name="Reds")
    rows = {"company": [{"name": "reds", "due_days": 7}], "person": [{"first_name": "Ann"}]}

    assert shell.run(rows, "--dry-run", "--on-duplicate", on_duplicate) == (
        f"Dry run, nothing was written: {planned}\n"
        "Rows without a key, which the same file would create again: 1 person\n"
    )
    printed = shell.run(rows, "--on-duplicate", on_duplicate)

    import_ = Import.objects.get()
    assert printed == f"Import {import_.pk}: {summary}\n"
    assert import_.on_duplicate == on_duplicate
    assert Company.objects.get(name__iexact="reds").due_days == (7 if on_duplicate == "update" else None)


def test_rows_match_records_by_the_column_that_match_by_names(shell: Shell) -> None:
    reds = make_company(organization=shell.acme.organization, name="Reds", external_id="0015")
    company, person = {"name": "Red Ltd", "external_id": "0015"}, {"first_name": "Ann", "email": "ann@reds.test"}
    rows = {"company": [company], "person": [person]}
    options = ["--on-duplicate", "update", "--match-by", "external_id"]

    document = json.loads(shell.run(rows, "--dry-run", "--json", *options))
    printed = shell.run(rows, *options)

    import_ = Import.objects.get()
    made = {"company": counts(updated=1), "person": counts(created=1)}
    assert document == {
        "import_id": None,
        "dry_run": True,
        "counts": made,
        "without_key": {"company": 0, "person": 1},
    }
    assert printed == f"Import {import_.pk}: created 1 person; updated 1 company\n"
    assert (import_.match_by, import_.counts) == ("external_id", made)
    reds.refresh_from_db()
    assert reds.name == "Red Ltd"


def test_a_dry_run_stages_and_writes_nothing(shell: Shell) -> None:
    before = take_snapshot()

    assert shell.run(PUBLISHED_ROWS, "--dry-run") == "Dry run, nothing was written: would create 1 company, 1 person\n"
    document = json.loads(shell.run(PUBLISHED_ROWS, "--dry-run", "--json"))

    made = counts(created=1)
    assert document == {"import_id": None, "dry_run": True, "counts": {"company": made, "person": made}}
    assert take_snapshot() == before


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_row_errors_are_a_table_with_the_cells(shell: Shell, options: tuple[str, ...]) -> None:
    table, summary = shell.refuse(WRONG_ROWS, *options)
    assert table == (
        "type     row  column     value      message\n"
        "company    1  name       Acme       Name has already been taken\n"
        "person     1  email      -          Email is not an email\n"
        "person     1  company    +Nowhere   Company must exist\n"
        "person     2             John       Row must be an object\n"
        "person     3  nick_name  @j         Nick name is not a column of person\n"
        'person     3  role       {"id": 7}  Role is not a column of person\n'
    )
    assert summary == "6 row errors, nothing imported"


def test_a_single_row_error_is_counted_in_the_singular(shell: Shell) -> None:
    table, summary = shell.refuse({"company": [{"name": ""}]})
    assert table == "type     row  column  value  message\ncompany    1  name           Name can't be blank\n"
    assert summary == "1 row error, nothing imported"


def test_only_the_first_twenty_row_errors_are_printed(shell: Shell, tmp_path: Path) -> None:
    rows = {"company": [{"name": f"C{number}"} for number in range(2_500)] + [{"name": None}] * 1_500}

    table, summary = shell.refuse(rows, "--errors-to", tmp_path / "errors.csv")

    lines = table.splitlines()
    assert (len(lines), lines[1], lines[20]) == (
        22,
        "company  2501  name    null   Name can't be blank",
        "company  2520  name    null   Name can't be blank",
    )
    assert lines[21] == "and 1480 more"
    assert summary == "1500 row errors, nothing imported"
    cells = read_table(tmp_path / "errors.csv")
    assert cells[1:] == [["company", str(row), "name", "null", "Name can't be blank"] for row in range(2501, 4001)]


def test_an_error_file_has_every_row_error_and_no_formula(shell: Shell, tmp_path: Path) -> None:
    shell.refuse(WRONG_ROWS, "--errors-to", tmp_path / "errors.csv")

    assert (tmp_path / "errors.csv").read_text() == (
        "type,row,column,value,message\n"
        "company,1,name,Acme,Name has already been taken\n"
        "person,1,email,'-,Email is not an email\n"
        "person,1,company,'+Nowhere,Company must exist\n"
        "person,2,,John,Row must be an object\n"
        "person,3,nick_name,'@j,Nick name is not a column of person\n"
        'person,3,role,"{""id"": 7}",Role is not a column of person\n'
    )


def test_unusual_values_can_be_written_to_an_error_file_and_a_terminal(shell: Shell, tmp_path: Path) -> None:
    odd = '\r\n=HYPERLINK("x"),\x1b[2J\ud800'
    table, _ = shell.refuse({"person": [{"first_name": "A", odd: odd}]}, "--errors-to", tmp_path / "errors.csv")

    assert "\x1b" not in table
    assert len(table.splitlines()) == 2
    (_, (*_, value, _)) = read_table(tmp_path / "errors.csv")
    assert value == "'" + odd.replace("\ud800", "\\ud800")


def test_an_error_file_without_errors_has_headers_only(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "errors.csv").write_text("of yesterday")
    shell.run(PUBLISHED_ROWS, "--errors-to", tmp_path / "errors.csv")
    assert read_table(tmp_path / "errors.csv") == [["type", "row", "column", "value", "message"]]


REFUSED_FILES: list[tuple[bytes, str]] = [
    (b"", "{} can't be blank"),
    (b"{", "{} is not valid JSON: line 1 column 2: Expecting property name enclosed in double quotes"),
    (b'{"company": [{"name": "\xff"}]}', "{} is not valid JSON: it is not UTF-8"),
    (b"[]", "{}: The file has no values."),
    (b'{"deal": []}', "{} has an unknown type 'deal'; known are company, person"),
    (b'{"person": []}', "{} has no rows"),
]


@pytest.mark.parametrize(("content", "why"), REFUSED_FILES)
def test_a_file_that_is_no_import_data_is_refused(shell: Shell, tmp_path: Path, content: bytes, why: str) -> None:
    for options in ((), ("--dry-run",)):
        assert shell.refuse(content, *options) == ("", why.format(tmp_path / "rows.json"))


def test_files_that_cannot_be_read_or_written_are_wrong_usage(shell: Shell, tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "file"
    refused = shell.refuse({}, file=str(missing), code=2)
    assert refused == ("", f"{missing} cannot be read: No such file or directory")
    assert shell.refuse({}, file=str(tmp_path), code=2) == ("", f"{tmp_path} cannot be read: Is a directory")
    refused = shell.refuse(PUBLISHED_ROWS, "--errors-to", missing, code=2)
    assert refused == ("", f"{missing} cannot be written: No such file or directory")


def test_the_creator_must_belong_to_the_organization(shell: Shell) -> None:
    other = make_organization().organization.pk
    mine = shell.acme.organization.pk
    refused = shell.refuse(PUBLISHED_ROWS, organization=10**18)
    assert refused == ("", f"There is no organization {10**18}")
    for organization, email in [(other, "ada@acme.test"), (mine, "x"), (mine, "x\udcff")]:
        refused = shell.refuse(PUBLISHED_ROWS, organization=organization, email=email)
        assert refused == ("", f"No person in organization {organization} has the address {email!r}.")


def test_rows_are_checked_against_records_of_the_given_organization(shell: Shell) -> None:
    globex = make_organization()
    make_person(organization=globex.organization, email="john@mail.com")

    shell.run(PUBLISHED_ROWS)
    _, summary = shell.refuse(PUBLISHED_ROWS, organization=globex.organization.pk, email="boss@globex.test")

    assert summary == "1 row error, nothing imported"


def test_other_refusals_are_printed(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise Busy("Others are writing the same records at this moment")

    monkeypatch.setattr(import_file, "import_file", refuse)
    assert shell.refuse(PUBLISHED_ROWS) == ("", "Others are writing the same records at this moment")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["f"],
        ["f", "--organization", "1"],
        ["f", "--email", "x"],
        ["f", "--organization", "0", "--email", "x"],
        ["f", "--organization", "x", "--email", "x"],
        ["f", "g", "--organization", "1", "--email", "x"],
        ["f", "--organization", "1", "--email", "x", "--on-duplicate", "replace"],
    ],
)
def test_bad_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    parser = import_file.Command().create_parser("manage.py", "import_file")
    parser.called_from_command_line = True
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(arguments)
    assert caught.value.code == 2
    assert "usage: " in capsys.readouterr().err


@pytest.mark.parametrize("error", [KeyError("uid"), OSError("No username set")])
def test_an_operating_system_account_without_a_name_is_identified_by_its_number(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail() -> str:
        raise error

    monkeypatch.setattr("getpass.getuser", fail)
    monkeypatch.setattr("os.getuid", lambda: 4711)
    assert str(find_operator()) == "operator uid 4711"
