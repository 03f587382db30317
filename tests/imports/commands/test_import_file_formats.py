"""``import_file`` takes files of every format, shows what it found in them, and writes their rows with errors."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import xlsxwriter
from django.core.management import CommandError, call_command
from openpyxl import load_workbook

from importsvc.files.models import ImportFile, ImportModel
from importsvc.files.services import read_file
from importsvc.imports.management.commands import import_file
from importsvc.imports.models import Import, ImportState
from people.models import Person
from people.services import NewOrganization
from tests.imports.steps import counts
from tests.snapshots import take_snapshot

# A list as a German Excel saves it.
CUSTOMERS = (
    "Vorname;Nachname;E-Mail-Adresse;Firma;Notiz\r\n"
    "Ada;Müller;ada.mueller@example.com;Blues GmbH;VIP\r\n"
    "Bob;Maier;bob@example.com;Reds AG;\r\n"
    "Cid;Weiß;cid.example.com;Blues GmbH;\r\n"
    "Gus;Lang;bob@example.com;Greens;\r\n"
).encode("cp1252")
MAPPED = ("--map", "E-Mail-Adresse=person.email", "--ignore", "Notiz")
GOOD = b"First Name,Email,Company\nEve,eve@example.com,Greens\nFay,fay@example.com,Greens\n"
DATES = b"Vorname,E-Mail,Geburtstag\nAda,ada@x.com,03.04.1990\nBob,bob@x.com,05.06.1991\n"
BIRTHDAY = ("--map", "Geburtstag=person.custom_fields.birthday:date")

ERROR_TABLE = (
    "type    row  line  column  value            message\n"
    "person    3     4  email   cid.example.com  Email is not an email\n"
    "person    4     5  email   bob@example.com  Email has already been taken by row 2\n"
)
ERROR_ROWS = [
    ["import_id", "import_row", "import_errors", "Vorname", "Nachname", "E-Mail-Adresse", "Firma", "Notiz"],
    ["", "person 3", "Email is not an email", "Cid", "Weiß", "cid.example.com", "Blues GmbH", ""],
    ["", "person 4", "Email has already been taken by row 2", "Gus", "Lang", "bob@example.com", "Greens", ""],
]


class Shell(NamedTuple):
    """Runs the command for Ada of Acme, in a folder of the test."""

    acme: NewOrganization
    folder: Path
    capsys: pytest.CaptureFixture[str]

    def run(self, content: bytes, *options: Any, name: str = "people.csv") -> str:
        """The output of a command that succeeds."""
        self._call(content, name, options)
        printed = self.capsys.readouterr()
        assert printed.err == ""
        return printed.out

    def refuse(self, content: bytes, *options: Any, name: str = "people.csv", code: int = 1) -> tuple[str, str]:
        """The output and the error of a command that is refused; checks that nothing has changed."""
        before = take_snapshot()
        with pytest.raises(CommandError) as caught:
            self._call(content, name, options)
        assert caught.value.returncode == code
        assert take_snapshot() == before
        return self.capsys.readouterr().out, str(caught.value)

    def _call(self, content: bytes, name: str, options: Any) -> None:
        path = self.folder / name
        path.write_bytes(content)
        caller = ["--organization", str(self.acme.organization.pk), "--email", "ada@acme.test"]
        call_command("import_file", str(path), *caller, *map(str, options))


@pytest.fixture
def shell(acme: NewOrganization, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(acme, tmp_path, capsys)


def read_csv(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.reader(file, delimiter=";"))


def make_workbook(path: Path, **sheets: list[list[Any]]) -> bytes:
    with xlsxwriter.Workbook(path) as workbook:
        for name, rows in sheets.items():
            sheet = workbook.add_worksheet(name)
            for number, cells in enumerate(rows):
                sheet.write_row(number, 0, cells)
    return path.read_bytes()


def test_a_file_is_stored_and_imported_by_the_mapping_that_is_proposed(shell: Shell) -> None:
    printed = shell.run(GOOD)

    import_ = Import.objects.get()
    assert printed == f"Import {import_.pk}: created 1 company, 2 people\n"
    assert (import_.state, import_.on_row_error, import_.error_count) == (ImportState.PROCESSED, "refuse", None)
    file = ImportFile.objects.get()
    assert (import_.import_file, import_.mapping, file.name) == (file, file.proposed_mapping, "people.csv")
    with read_file(file).open() as stored:
        assert stored.read() == GOOD
    assert {str(person.company) for person in Person.objects.filter(email__endswith="example.com")} == {"Greens"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("people.jsonl", b'{"First Name": "Eve", "Email": "e@x.com"}\n{"First Name": "Fay", "Email": "f@x.com"}\n'),
        ("people.json", b'[{"First Name": "Eve", "Email": "e@x.com"}, {"First Name": "Fay", "Email": "f@x.com"}]'),
        ("people.tsv", b"First Name\tEmail\nEve\te@x.com\nFay\tf@x.com\n"),
        ("people", "First Name,Email\nEve,e@x.com\nFay,f@x.com\n".encode("utf-16")),
    ],
)
def test_files_of_text_are_imported(shell: Shell, name: str, content: bytes) -> None:
    assert shell.run(content, name=name).endswith(": created 2 people\n")


def test_the_sheet_of_a_workbook_is_chosen_by_its_name(shell: Shell) -> None:
    rows = [["First Name", "Email"], ["Eve", "e@x.com"], ["Fay", "-"]]
    content = make_workbook(shell.folder / "book.xlsx", Notes=[["a"], ["b"]], People=rows)

    table, why = shell.refuse(content, "--sheet", "People", "--map", "Email=person.email", name="book.xlsx")

    assert why == "1 row error, nothing imported"
    assert table == (
        "type    row  sheet   line  column  value  message\n"
        "person    2  People     3  email   -      Email is not an email\n"
    )


def test_a_preview_shows_what_was_detected_the_mapping_and_the_first_rows(shell: Shell) -> None:
    before = take_snapshot()

    printed = shell.run(CUSTOMERS, *MAPPED, "--preview", "--on-row-error", "skip")

    assert printed == (
        "file        people.csv\n"
        f"size        {len(CUSTOMERS)} bytes\n"
        "line_count  5\n"
        "format      csv           100% sure\n"
        "encoding    windows-1252  50% sure\n"
        "separator   ;             99% sure\n"
        'quote       "             90% sure\n'
        "header_row  1             95% sure\n"
        "\n"
        "header          target             how      score  kind  filled  values\n"
        "Vorname         person.first_name  synonym  0.95   text  100%    Ada, Bob, Cid\n"
        "Nachname        person.last_name   synonym  0.95   text  100%    Müller, Maier, Weiß\n"
        "E-Mail-Adresse  person.email       given           text  100%    ada.mueller@example.com, bob@example.co…\n"
        "Firma           person.company     synonym  0.95   text  100%    Blues GmbH, Reds AG, Blues GmbH\n"
        "Notiz           –                  ignored         text  25%     VIP\n"
        "\n"
        "company, 3 rows:\n"
        "row  line  name\n"
        "  1     2  Blues GmbH\n"
        "  2     3  Reds AG\n"
        "  3     5  Greens\n"
        "\n"
        "person, 4 rows:\n"
        "row  line  first_name  last_name  email                    company\n"
        "  1     2  Ada         Müller     ada.mueller@example.com  Blues GmbH\n"
        "  2     3  Bob         Maier      bob@example.com          Reds AG\n"
        "  3     4  Cid         Weiß       cid.example.com          Blues GmbH\n"
        "  4     5  Gus         Lang       bob@example.com          Greens\n"
        "\n"
        f"{ERROR_TABLE}"
        "Dry run, nothing was written: would create 3 companies, 2 people; refuse 2 people\n"
    )
    assert take_snapshot() == before


def test_a_preview_shows_a_mapping_that_cannot_be_used(shell: Shell) -> None:
    printed, why = shell.refuse(CUSTOMERS, "--preview")
    assert "\nE-Mail-Adresse  person.email       synonym  0.95   text  100%" in printed
    assert "\nNotiz           –                  open " in printed
    assert printed.endswith(
        "\n\n"
        "'Notiz' is neither mapped nor ignored\n"
        "Map a column with --map HEADER=TARGET, or leave it out with --ignore HEADER.\n"
    )
    assert why == "1 problem of the mapping, nothing imported"


def test_a_preview_of_import_data_shows_its_rows(shell: Shell) -> None:
    printed = shell.run(b'{"company": [{"name": "Z"}]}', "--preview", name="rows.json")
    assert printed == "company, 1 row:\nrow  name\n  1  Z\n\nDry run, nothing was written: would create 1 company\n"


def test_a_preview_is_a_json_document_as_well(shell: Shell) -> None:
    document = json.loads(shell.run(GOOD, "--preview", "--json"))

    file = document.pop("file")
    assert (file["format"], file["separator"], [column["header"] for column in file["columns"]]) == (
        *("csv", ","),
        ["First Name", "Email", "Company"],
    )
    assert [column["targets"] for column in document.pop("mapping")["columns"]] == [
        ["person.first_name"],
        ["person.email"],
        ["person.company"],
    ]
    eve = {"first_name": "Eve", "email": "eve@example.com", "company": "Greens"}
    fay = {"first_name": "Fay", "email": "fay@example.com", "company": "Greens"}
    assert document == {
        "import_id": None,
        "dry_run": True,
        "counts": {"company": counts(created=1), "person": counts(created=2)},
        "problems": [],
        "first_rows": {
            "company": [{"row": 1, "line": 2, "cells": {"name": "Greens"}}],
            "person": [{"row": 1, "line": 2, "cells": eve}, {"row": 2, "line": 3, "cells": fay}],
        },
        "row_counts": {"company": 1, "person": 2},
        "blank_row_count": 0,
        "unmapped_row_count": 0,
    }


@pytest.mark.parametrize("options", [("--save-model", "Kunden"), ("--dry-run",)])
def test_a_refused_file_leaves_nothing_but_its_error_file(shell: Shell, options: tuple[str, ...]) -> None:
    errors = shell.folder / "errors.csv"

    refused = shell.refuse(CUSTOMERS, *MAPPED, "--errors-to", errors, *options)

    assert refused == (ERROR_TABLE, "2 row errors, nothing imported")
    assert read_csv(errors) == ERROR_ROWS


def test_an_error_file_is_corrected_and_imported_by_the_saved_mapping(shell: Shell) -> None:
    errors = shell.folder / "errors.csv"
    printed = shell.run(CUSTOMERS, *MAPPED, "--on-row-error", "skip", "--save-model", "Kunden", "--errors-to", errors)

    first, model = Import.objects.get(), ImportModel.objects.get()
    assert printed == f"{ERROR_TABLE}Import {first.pk}: created 3 companies, 2 people; refused 2 people\n"
    assert (first.import_model_id, model.name, first.error_count) == (model.pk, "Kunden", 2)
    corrected = errors.read_bytes().replace(b"cid.", b"cid@").replace(b";bob@", b";gus@")
    printed = shell.run(corrected, "--model", "kunden", "--errors-to", errors)

    second = Import.objects.latest("id")
    assert printed == f"Import {second.pk}: created 2 people; skipped 2 companies\n"
    assert second.import_model_id == model.pk
    assert read_csv(errors) == ERROR_ROWS[:1]


def test_an_error_file_may_be_a_workbook(shell: Shell) -> None:
    shell.refuse(CUSTOMERS, *MAPPED, "--errors-to", shell.folder / "errors.XLSX")
    sheet = load_workbook(shell.folder / "errors.XLSX").active
    assert sheet is not None
    assert [[cell or "" for cell in row] for row in sheet.iter_rows(values_only=True)] == ERROR_ROWS

    shell.refuse(b'{"person": [{"first_name": "=1"}, {}]}', "--errors-to", shell.folder / "e.xlsx", name="r.json")
    sheet = load_workbook(shell.folder / "e.xlsx").active
    assert sheet is not None
    assert [[cell or "" for cell in row] for row in sheet.iter_rows(values_only=True)] == [
        ["type", "row", "column", "value", "message"],
        ["person", "2", "first_name", "", "First name can't be blank"],
    ]


@pytest.mark.parametrize("name", ["people.csv", "rows.json"])
def test_rows_with_errors_are_staged_and_not_run(shell: Shell, name: str) -> None:
    content = b'{"person": [{"first_name": "A"}, {"first_name": ""}]}' if name == "rows.json" else CUSTOMERS
    options = () if name == "rows.json" else MAPPED
    with pytest.raises(CommandError) as caught:
        shell.run(content, *options, "--on-row-error", "stage", name=name)

    import_ = Import.objects.get()
    count = {"rows.json": 1, "people.csv": 2}[name]
    what = "1 row error" if count == 1 else "2 row errors"
    assert str(caught.value) == f"Import {import_.pk} is staged with {what}, and was not run"
    assert (caught.value.returncode, import_.state, import_.error_count) == (1, ImportState.CREATED, count)
    assert not Person.objects.exclude(is_user=True).exists()


def test_rows_without_errors_are_staged_and_run(shell: Shell) -> None:
    printed = shell.run(GOOD, "--on-row-error", "stage")
    import_ = Import.objects.get()
    assert printed == f"Import {import_.pk}: created 1 company, 2 people\n"
    assert (import_.state, import_.error_count) == (ImportState.PROCESSED, 0)


def test_skipped_rows_are_in_the_json_document(shell: Shell) -> None:
    document = json.loads(shell.run(CUSTOMERS, *MAPPED, "--on-row-error", "skip", "--json"))
    assert document["counts"]["person"] == {**counts(created=2), "refused": 2}
    assert document["row_error_count"] == 2
    assert document["row_errors"][0] == {
        "type": "person",
        "row": 3,
        "sheet": "",
        "line": 4,
        "column": "email",
        "value": "cid.example.com",
        "message": "Email is not an email",
    }


def test_rows_match_records_as_options_say(shell: Shell) -> None:
    shell.run(GOOD)
    changed = GOOD.replace(b"Eve", b"Eva")
    assert shell.refuse(changed)[1] == "2 row errors, nothing imported"
    assert "updated 1 person" in shell.run(changed, "--on-duplicate", "update", "--match-by", "email")
    import_ = Import.objects.latest("id")
    assert (import_.on_duplicate, import_.match_by) == ("update", "email")


def test_dates_that_fit_two_orders_are_refused_until_one_is_said(shell: Shell) -> None:
    printed, why = shell.refuse(DATES, *BIRTHDAY)
    assert printed == (
        "The dates of 'Geburtstag' can be read in two orders: say which, dmy or mdy\n"
        "Say the order of the dates with --date-order.\n"
    )
    assert why == "1 problem of the mapping, nothing imported"

    shell.run(DATES, *BIRTHDAY, "--date-order", "dmy")
    assert Person.objects.get(first_name="Bob").custom_fields == {"birthday": "1991-06-05"}


KNOWN = "google_contacts, hubspot_contacts, outlook, salesforce_contacts"


@pytest.mark.parametrize(
    ("content", "options", "why"),
    [
        (
            b"%PDF-1.7\n\x00",
            (),
            "{}: The file is a PDF, not a table. Export the table that it was made from as .xlsx or .csv.",
        ),
        (b"", (), "{} can't be blank"),
        (b"First Name,Email\n", (), "{} has no rows"),
        (GOOD, ("--model", "nope"), f"There is no import model 'nope'; known are {KNOWN}"),
        (GOOD, ("--sheet", "X"), "The file has no sheets"),
        (GOOD, ("--separator", "abc"), "{}: The option separator must be one character."),
    ],
)
def test_what_cannot_be_imported_is_refused_in_a_sentence(
    shell: Shell, content: bytes, options: tuple[str, ...], why: str
) -> None:
    assert shell.refuse(content, *options) == ("", why.format(shell.folder / "people.csv"))


def test_import_data_has_no_mapping_to_save(shell: Shell) -> None:
    why = shell.refuse(b'{"company": [{"name": "Reds"}]}', "--save-model", "X", name="rows.json")[1]
    assert why == "The file needs no mapping, so there is none to save"


@pytest.mark.parametrize(
    ("option", "first_line"),
    [
        ("Email=person.mail", "'person.mail' is not a target"),
        ("Mail=person.email", "The file has no column 'Mail'"),
        (
            "Email=person.custom_fields.mail",
            "'person.custom_fields.mail' needs a kind: one of text, number, date, boolean",
        ),
    ],
)
def test_headers_and_targets_that_are_not_there_are_refused(shell: Shell, option: str, first_line: str) -> None:
    printed, why = shell.refuse(GOOD, "--map", option)
    assert printed.splitlines()[0] == first_line
    assert why.endswith("of the mapping, nothing imported")


def test_a_name_that_a_saved_mapping_has_is_refused(shell: Shell) -> None:
    shell.run(GOOD, "--save-model", "Mine")
    other = GOOD.replace(b"eve", b"eva").replace(b"fay", b"fee")
    refused = shell.refuse(other, "--save-model", "MINE")
    assert refused == ("", "The name of the import model has already been taken")


def test_a_dry_run_cannot_save_a_mapping(shell: Shell) -> None:
    for option in ("--dry-run", "--preview"):
        refused = shell.refuse(GOOD, option, "--save-model", "Mine", code=2)
        assert refused == ("", "A dry run saves nothing: leave out --save-model")


@pytest.mark.parametrize(
    "option",
    [
        ("--map", "Email"),
        ("--map", "=person.email"),
        ("--map", "Email="),
        ("--header-row", "-1"),
        ("--header-row", "1001"),
        ("--model", "x\udcff"),
        ("--date-order", "ydm"),
        ("--decimal-sign", "'"),
        ("--on-row-error", "keep"),
        ("--match-by", "shoe_size"),
    ],
)
def test_bad_usage_exits_with_2(option: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    parser = import_file.Command().create_parser("manage.py", "import_file")
    parser.called_from_command_line = True
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(["f", "--organization", "1", "--email", "x", *option])
    assert caught.value.code == 2
    assert f"argument {option[0]}" in capsys.readouterr().err
