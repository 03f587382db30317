"""The output of all commands: text or one JSON document, with the same exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command, execute_from_command_line
from django.db import OperationalError

from importsvc.management.output import OutputCommand, Refused, format_table, read_positive, to_cell
from people.services import NewOrganization


class Example(OutputCommand):
    """A command that returns or raises what the test sets."""

    requires_system_checks = []

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("what")

    def handle(self, *, what: str, **_: Any) -> None:
        match what:
            case "refuse":
                raise CommandError("No")
            case "explain":
                raise Refused("No", data={"because": ["of", "this"]})
            case "misuse":
                raise CommandError("Not like this", returncode=2)
            case "fail":
                raise OperationalError("no route\n")
        self.print_lines("Doing it")
        self.print_result({"done": what}, f"Done: {what}", "really")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Call the command as from the command line; returns the exit code and both outputs."""
    return capture(capsys, lambda: Example().run_from_argv(["manage.py", "example", *arguments]))


def manage(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[int, str, str]:
    """Call a command of ``manage.py`` in the same way; it closes the connection at the end."""
    return capture(capsys, lambda: execute_from_command_line(["manage.py", *map(str, arguments)]))


def capture(capsys: pytest.CaptureFixture[str], call: Callable[[], object]) -> tuple[int, str, str]:
    """Call a function; returns the exit code and both outputs."""
    code = 0
    try:
        call()
    except SystemExit as ended:
        code = int(ended.code or 0)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@pytest.fixture(autouse=True)
def _without_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_COLORS", "nocolor")


REFUSALS = [
    ("refuse", 1, "No", {}),
    ("explain", 1, "No", {"because": ["of", "this"]}),
    ("misuse", 2, "Not like this", {}),
    ("fail", 1, "The database cannot be used: no route", {}),
]


def test_the_default_output_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "it") == (0, "Doing it\nDone: it\nreally\n", "")


def test_json_output_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "it", "--json") == (0, '{"done": "it"}\n', "")


@pytest.mark.parametrize(("what", "code", "why", "data"), REFUSALS)
def test_a_refusal_is_printed_as_text(
    capsys: pytest.CaptureFixture[str], what: str, code: int, why: str, data: dict[str, Any]
) -> None:
    assert run(capsys, what) == (code, "", f"CommandError: {why}\n")


@pytest.mark.parametrize(("what", "code", "why", "data"), REFUSALS)
def test_a_refusal_in_json_is_an_error_document_with_the_same_exit_code(
    capsys: pytest.CaptureFixture[str], what: str, code: int, why: str, data: dict[str, Any]
) -> None:
    status, printed, complaint = run(capsys, what, "--json")
    assert (status, json.loads(printed), complaint) == (code, {"error": why, **data}, "")
    assert printed.count("\n") == 1


@pytest.mark.parametrize(("what", "code", "why", "data"), REFUSALS)
def test_code_that_calls_a_command_gets_an_exception(what: str, code: int, why: str, data: dict[str, Any]) -> None:
    for options in ({}, {"json": True}):
        with pytest.raises(CommandError) as caught:
            call_command(Example(), what, **options)
        assert (type(caught.value), str(caught.value), caught.value.returncode) == (CommandError, why, code)


def test_wrong_usage_is_printed_in_the_same_format(capsys: pytest.CaptureFixture[str]) -> None:
    code, printed, complaint = run(capsys, "it", "--wat")
    assert (code, printed) == (2, "")
    assert complaint.endswith("manage.py example: error: unrecognized arguments: --wat\n")
    assert run(capsys, "it", "--wat", "--json") == (2, '{"error": "unrecognized arguments: --wat"}\n', "")
    missing = '{"error": "the following arguments are required: what"}\n'
    assert run(capsys, "--json") == (2, missing, "")


def test_arguments_after_two_dashes_are_no_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--", "--json") == (0, "Doing it\nDone: --json\nreally\n", "")


def test_help_is_text_even_with_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, printed, _ = run(capsys, "--json", "--help")
    assert (code, printed[:6]) == (0, "usage:")


def test_tables_are_as_wide_as_their_cells() -> None:
    rows = [["1", "Ada", ""], ["12", "株式会社", "x"], ["3", "e\u0301", "y\x1b[31mz\n"]]
    assert format_table(["id", "name", "note"], rows) == [
        "id  name      note",
        " 1  Ada",
        "12  株式会社  x",
        " 3  e\u0301         y\ufffd[31mz\ufffd",
    ]
    assert format_table(["id", "name"], []) == ["id  name"]


def test_a_table_of_a_given_width_breaks_its_widest_cells() -> None:
    assert format_table(["id", "what became of it"], [["1", "kept 2 people; removed 1 company"]], width=20) == [
        "id  what became of",
        "    it",
        " 1  kept 2 people;",
        "    removed 1",
        "    company",
    ]


def test_long_cells_are_cut() -> None:
    assert to_cell("x" * 40) == "x" * 40
    assert to_cell("x" * 41) == "x" * 39 + "…"
    assert to_cell("\ud800\x00\u202e") == "\ufffd" * 3


@pytest.mark.parametrize("written", ["0", "-1", "x", "1.5", "٢", "", "9" * 20])
def test_an_id_that_is_not_a_positive_number_is_refused(written: str) -> None:
    assert read_positive("9" * 19) == int("9" * 19)
    with pytest.raises(Exception, match=r"is not a positive whole number$"):
        read_positive(written)


@pytest.mark.django_db(transaction=True)
def test_every_command_has_json_output(acme: NewOrganization, capsys: pytest.CaptureFixture[str]) -> None:
    organization = {"id": acme.organization.pk, "name": "Acme"}
    ada = {"id": acme.person.pk, "name": "Ada Lovelace", "email": "ada@acme.test"}
    prefix = acme.token.partition(".")[0]
    plain = {
        ("prune", "--dry-run"): {
            "dry_run": True,
            "idempotency_keys": 0,
            "older_than_hours": 48,
            "webhook_deliveries": 0,
            "older_than_days": 30,
            "operations": 0,
            "operations_older_than_days": 30,
            "unrun_imports": 0,
            "unrun_imports_older_than_days": 90,
            "run_imports": 0,
            "run_imports_older_than_days": None,
            "import_files": 0,
            "import_files_older_than_days": 90,
            "failure_counts": 0,
            "import_sessions": 0,
        },
        ("revoke_token", prefix): {"prefix": prefix, "person": ada, "organization": organization},
        ("imports_status",): {"imports": []},
    }
    for arguments, document in plain.items():
        code, printed, complaint = manage(capsys, *arguments, "--json")
        assert (code, json.loads(printed), complaint) == (0, document, "")

    hank = ("--email", "hank@globex.test", "--json")
    code, printed, complaint = manage(capsys, "create_organization", "Globex", *hank)
    made = json.loads(printed)
    assert (code, list(made), complaint) == (0, ["organization_id", "person_id", "token"], "")
    code, printed, complaint = manage(capsys, "create_token", "--organization", made["organization_id"], *hank)
    assert (code, list(json.loads(printed)), complaint) == (0, ["token"], "")


@pytest.mark.django_db(transaction=True)
def test_every_command_has_json_refusals(capsys: pytest.CaptureFixture[str]) -> None:
    refused = {
        ("create_organization", "", "--email", "x@y.test"): (1, "name: This field cannot be blank."),
        ("create_token", "--organization", "7", "--email", "x"): (1, "There is no organization 7"),
        ("revoke_token", "nope"): (1, "No token starts with 'nope'."),
        ("imports_status", "7"): (1, "There is no import 7"),
        ("prune", "7"): (2, "unrecognized arguments: 7"),
        ("import_file", "nope.json", "--organization", "7", "--email", "x"): (
            2,
            "nope.json cannot be read: No such file or directory",
        ),
    }
    for arguments, (code, why) in refused.items():
        status, printed, complaint = manage(capsys, *arguments, "--json")
        assert (status, json.loads(printed), complaint) == (code, {"error": why}, "")
