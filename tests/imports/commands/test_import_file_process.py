"""``manage.py import_file`` in a shell: exit codes, standard input, and a progress bar on terminals only."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from importsvc.imports.models import Import
from people.services import NewOrganization
from tests.builders import PUBLISHED_ROWS
from tests.command_line import Outcome, manage, manage_on_terminal

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def caller(acme: NewOrganization) -> list[Any]:
    return ["--organization", acme.organization.pk, "--email", "ada@acme.test"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.json"
    path.write_text(
        json.dumps({**PUBLISHED_ROWS, "company": [{"name": "Import"}] + [{"name": f"C{n}"} for n in range(9)]})
    )
    return path


def test_the_command_exits_with_0_on_success_and_1_on_row_errors(file: Path, caller: list[Any]) -> None:
    done = manage("import_file", file, *caller)
    assert done == Outcome(0, f"Import {Import.objects.get().pk}: created 10 companies, 1 person\n")

    refused = manage("import_file", file, *caller)
    assert (refused.code, refused.err) == (1, "CommandError: 11 row errors, nothing imported\n")
    assert refused.out.splitlines()[:2] == [
        "type     row  column  value          message",
        "company    1  name    Import         Name has already been taken",
    ]


def test_the_command_exits_with_2_on_wrong_usage(file: Path, caller: list[Any]) -> None:
    missing = manage("import_file", "missing.json", *caller)
    assert missing == Outcome(2, "", "CommandError: missing.json cannot be read: No such file or directory\n")
    unknown = manage("import_file", file, *caller, "--wet-run")
    assert (unknown.code, unknown.out) == (2, "")
    assert unknown.err.endswith("error: unrecognized arguments: --wet-run\n")


def test_rows_come_from_the_standard_input(caller: list[Any]) -> None:
    done = manage("import_file", "-", *caller, stdin=json.dumps(PUBLISHED_ROWS).encode())
    assert done == Outcome(0, f"Import {Import.objects.get().pk}: created 1 company, 1 person\n")

    empty = manage("import_file", "-", *caller)
    assert empty == Outcome(1, "", "CommandError: The standard input can't be blank\n")


def test_json_output_has_every_row_error(caller: list[Any]) -> None:
    rows = {"person": [{"first_name": "A", "role": [1]}, {"first_name": "B", "company": "Nowhere"}]}

    refused = manage("import_file", "-", *caller, "--json", stdin=json.dumps(rows).encode())

    assert (refused.code, refused.err) == (1, "")
    assert json.loads(refused.out) == {
        "error": "2 row errors, nothing imported",
        "row_errors": [
            {
                "type": "person",
                "row": 1,
                "column": "role",
                "value": [1],
                "message": "Role is not a column of person",
            },
            {"type": "person", "row": 2, "column": "company", "value": "Nowhere", "message": "Company must exist"},
        ],
        "row_error_count": 2,
    }


def test_json_output_lists_as_many_row_errors_as_the_api(caller: list[Any]) -> None:
    rows = {"person": [{"first_name": ""}] * 1_001}

    document = json.loads(manage("import_file", "-", *caller, "--json", stdin=json.dumps(rows).encode()).out)

    assert (len(document["row_errors"]), document["row_error_count"]) == (1_000, 1_001)
    assert document["row_errors"][-1]["row"] == 1_000


def test_a_terminal_shows_progress_and_clears_it_at_the_end(file: Path, caller: list[Any]) -> None:
    seen = manage_on_terminal("import_file", file, *caller)

    assert seen.code == 0
    assert re.findall(r"(Validating|Writing): +(\d+)%\|.*?\| (\d+)/(\d+) ", seen.out) == [
        ("Validating", "0", "0", "11"),
        ("Writing", "0", "0", "11"),
    ]
    *_, last = re.split(r"\r(?!\n)", seen.out)
    assert last == f"Import {Import.objects.get().pk}: created 10 companies, 1 person\r\n"


def test_a_dry_run_shows_that_rows_are_validated(file: Path, caller: list[Any]) -> None:
    seen = manage_on_terminal("import_file", file, *caller, "--dry-run")

    assert "Validating:" in seen.out
    assert "Writing:" not in seen.out
    assert seen.out.endswith("\rDry run, nothing was written: would create 10 companies, 1 person\r\n")
