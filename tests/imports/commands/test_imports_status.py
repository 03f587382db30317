"""``imports_status`` shows one import with everything known about it, or lists recent imports."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from importsvc.imports.actors import Actor
from importsvc.imports.management.commands.imports_status import Command
from importsvc.imports.models import Import, ImportState
from importsvc.management.output import format_table
from organizations.models import Organization
from people.services import NewOrganization
from tests.builders import make_import, make_operation, make_organization, make_refusal, rows_of_size
from tests.command_line import manage
from tests.imports.steps import counts

CREATED = datetime(2024, 1, 15, 8, 59, 59, 5, tzinfo=UTC)


@pytest.fixture
def reverted(acme: NewOrganization) -> Import:
    """An import with every value set; one of its types is not registered."""
    return make_import(
        creator=acme.person,
        state=ImportState.REVERTED,
        import_data=rows_of_size(4_000),
        created_at=CREATED,
        sample=True,
        import_model_id=12,
        on_duplicate="update",
        match_by="external_id",
        counts={"deal": counts(created=2), "company": counts(created=1, unchanged=2), "person": counts(created=3)},
        processed_by=Actor("person", "Ada Lovelace", acme.person.pk).to_json(),
        reverted_by=Actor("operator", "root\x1b[2J").to_json(),
        reverted_with="keep",
        revert_counts={
            "person": {"removed": 1, "restored": 0, "kept": 2, "gone": 0},
            "company": {"removed": 0, "restored": 0, "kept": 0, "gone": 1},
        },
    )


def show(capsys: pytest.CaptureFixture[str], *arguments: Any) -> str:
    call_command("imports_status", *map(str, arguments))
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out


def refuse(*arguments: Any) -> tuple[int, str]:
    with pytest.raises(CommandError) as caught:
        call_command("imports_status", *map(str, arguments))
    return caught.value.returncode, str(caught.value)


def test_everything_known_about_one_import_is_printed(
    acme: NewOrganization, reverted: Import, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show(capsys, reverted.pk) == (
        f"id               {reverted.pk}\n"
        "state            reverted\n"
        "progress         –\n"
        f"organization     Acme ({acme.organization.pk})\n"
        f"creator          Ada Lovelace <ada@acme.test> ({acme.person.pk})\n"
        "sample           true\n"
        "import_model_id  12\n"
        "on_duplicate     update\n"
        "match_by         external_id\n"
        "rows             created 1 company, 3 people, 2 deal; unchanged 2 companies\n"
        "created_at       2024-01-15 08:59:59\n"
        "started_at       2024-01-15 09:00:00\n"
        "processed_at     2024-01-15 09:01:00\n"
        f"processed_by     Ada Lovelace (person {acme.person.pk})\n"
        "reverted_at      2024-01-15 09:02:00\n"
        "reverted_by      operator root\ufffd[2J\n"
        "reverted_with    keep\n"
        "revert           removed 1 person; kept 2 people; 1 company gone already\n"
        "pruned_at        –\n"
        "staged           3.9 KB\n"
        "failure          –\n"
    )


def test_json_output_has_everything_known_about_one_import(
    acme: NewOrganization, reverted: Import, capsys: pytest.CaptureFixture[str]
) -> None:
    assert json.loads(show(capsys, reverted.pk, "--json")) == {
        "id": reverted.pk,
        "state": "reverted",
        "progress": None,
        "organization": {"id": acme.organization.pk, "name": "Acme"},
        "creator": {"id": acme.person.pk, "name": "Ada Lovelace", "email": "ada@acme.test"},
        "sample": True,
        "import_model_id": 12,
        "on_duplicate": "update",
        "match_by": "external_id",
        "counts": {
            "company": counts(created=1, unchanged=2),
            "person": counts(created=3),
            "deal": counts(created=2),
        },
        "created_at": "2024-01-15T08:59:59.000005Z",
        "started_at": "2024-01-15T09:00:00Z",
        "processed_at": "2024-01-15T09:01:00Z",
        "reverted_at": "2024-01-15T09:02:00Z",
        "pruned_at": None,
        "processed_by": {"kind": "person", "name": "Ada Lovelace", "id": acme.person.pk},
        "reverted_by": {"kind": "operator", "name": "root\x1b[2J", "id": None},
        "reverted_with": "keep",
        "revert_counts": {
            "company": {"removed": 0, "restored": 0, "kept": 0, "gone": 1},
            "person": {"removed": 1, "restored": 0, "kept": 2, "gone": 0},
        },
        "staged_bytes": 4_000,
        "failure": None,
    }


def test_unknown_values_are_printed_as_a_dash(acme: NewOrganization, capsys: pytest.CaptureFixture[str]) -> None:
    acme.person.email = None
    acme.person.save(update_fields=["email"])
    staged = make_import(creator=acme.person, created_at=CREATED)

    assert show(capsys, staged.pk) == (
        f"id               {staged.pk}\n"
        "state            created\n"
        "progress         –\n"
        f"organization     Acme ({acme.organization.pk})\n"
        f"creator          Ada Lovelace ({acme.person.pk})\n"
        "sample           –\n"
        "import_model_id  –\n"
        "on_duplicate     error\n"
        "match_by         –\n"
        "rows             –\n"
        "created_at       2024-01-15 08:59:59\n"
        "started_at       –\n"
        "processed_at     –\n"
        "processed_by     –\n"
        "reverted_at      –\n"
        "reverted_by      –\n"
        "reverted_with    –\n"
        "revert           –\n"
        "pruned_at        –\n"
        "staged           0 bytes\n"
        "failure          –\n"
    )


def test_the_last_failure_of_an_import_is_printed(acme: NewOrganization, capsys: pytest.CaptureFixture[str]) -> None:
    import_ = make_import(creator=acme.person)
    detail = {"person": [{"row": 1, "column": "email", "messages": ["Email is not an email"]}]}
    error = {"code": "invalid_attribute", "detail": detail, "attribute": "import_data", "meta": None}
    staff = Actor("staff", "admin", 7)
    make_refusal(import_, refused_by=staff.to_json(), refused_at=CREATED, errors=[error], row_error_count=1)

    line = "failure          2024-01-15 08:59:59 import by staff admin: 1 row error\n"
    assert show(capsys, import_.pk).endswith(line)
    assert json.loads(show(capsys, import_.pk, "--json"))["failure"] == {
        "kind": "import",
        "failed_at": "2024-01-15T08:59:59.000005Z",
        "actor": {"kind": "staff", "name": "admin", "id": 7},
        "errors": [error],
        "row_error_count": 1,
        "operation_id": None,
    }

    later = make_operation(
        creator=acme.person,
        import_=import_,
        status="failed",
        finished_at=CREATED + timedelta(hours=1),
        errors=[{"code": "conflict", "detail": "Not now", "attribute": None, "meta": None}],
    )

    line = f"failure          2024-01-15 09:59:59 import by Ada Lovelace (person {acme.person.pk}): Not now.\n"
    assert show(capsys, import_.pk).endswith(line)
    assert json.loads(show(capsys, import_.pk, "--json"))["failure"]["operation_id"] == later.pk


def test_recent_imports_are_listed_newest_first(acme: NewOrganization, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = [make_import(creator=acme.person, created_at=CREATED).pk for _ in range(2)]
    globex = make_organization()
    other = make_import(
        creator=globex.person,
        created_at=CREATED,
        state=ImportState.PROCESSED,
        counts={"person": counts(created=1)},
        import_data=rows_of_size(20),
    ).pk

    of_globex, of_acme = f"Globex ({globex.organization.pk})", f"Acme ({acme.organization.pk})"
    at = "2024-01-15 08:59:59"
    assert show(capsys).splitlines() == format_table(
        ["id", "state", "organization", "creator", "result", "staged", "created_at"],
        [
            [str(other), "processed", of_globex, "Hank", "created 1 person", "20 bytes", at],
            [str(new), "created", of_acme, "Ada Lovelace", "–", "0 bytes", at],
            [str(old), "created", of_acme, "Ada Lovelace", "–", "0 bytes", at],
        ],
        width=100,
    )

    def listed(*arguments: Any) -> list[int]:
        return [each["id"] for each in json.loads(show(capsys, "--json", *arguments))["imports"]]

    assert listed() == [other, new, old]
    assert listed("--limit", 2) == [other, new]
    assert listed("--organization", acme.organization.pk) == [new, old]
    assert listed("--organization", acme.organization.pk, "--limit", 1) == [new]


def test_the_list_says_what_a_revert_kept_in_a_hundred_columns(
    reverted: Import, capsys: pytest.CaptureFixture[str]
) -> None:
    Organization.objects.update(name="Acme Amalgamated Anvils and Associates, formerly Anonymous")

    lines = show(capsys).splitlines()

    assert max(map(len, lines)) <= 100
    results = [line[lines[0].index("result") : lines[0].index("staged")].strip() for line in lines[1:]]
    assert " ".join(results).rstrip() == "removed 1 person; kept 2 people; 1 company gone already"


def test_twenty_imports_are_listed_by_default(acme: NewOrganization, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(21):
        make_import(creator=acme.person)
    assert len(show(capsys).splitlines()) == 1 + 20
    assert len(show(capsys, "--limit", 100).splitlines()) == 1 + 21


def test_no_table_is_printed_if_there_are_no_imports(acme: NewOrganization, capsys: pytest.CaptureFixture[str]) -> None:
    assert show(capsys) == "No imports\n"
    assert show(capsys, "--json") == '{"imports": []}\n'


def test_staged_data_is_never_read(acme: NewOrganization, capsys: pytest.CaptureFixture[str]) -> None:
    import_id = make_import(creator=acme.person, import_data=rows_of_size(20)).pk
    # Of one import also its refusal and its operation that failed last.
    for arguments, count in (([], 1), ([import_id], 3)):
        with CaptureQueriesContext(connection) as queries:
            show(capsys, *arguments)
        assert len(queries) == count
        sql = queries[0]["sql"]
        assert '"size"' in sql
        assert '"rows"' not in sql


def test_an_unknown_import_or_organization_is_refused(acme: NewOrganization) -> None:
    assert refuse(7) == (1, "There is no import 7")
    assert refuse("9" * 19) == (1, f"There is no import {'9' * 19}")
    assert refuse("--organization", 10**9) == (1, f"There is no organization {10**9}")


def test_options_for_lists_are_refused_with_an_id(acme: NewOrganization) -> None:
    for option in ("--limit", "--organization"):
        assert refuse(1, option, 1) == (2, "--organization and --limit are for lists, not for one import")


@pytest.mark.parametrize("arguments", [["0"], ["x"], ["1", "2"], ["--limit", "0"], ["--organization", "-1"], ["--wet"]])
def test_bad_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    parser = Command().create_parser("manage.py", "imports_status")
    parser.called_from_command_line = True
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(arguments)
    assert caught.value.code == 2
    assert "usage: " in capsys.readouterr().err


@pytest.mark.django_db(transaction=True)
def test_the_exit_code_tells_success_from_refusal(acme: NewOrganization) -> None:
    import_id = make_import(creator=acme.person).pk
    shown = manage("imports_status", import_id, "--json")
    assert (shown.code, json.loads(shown.out)["state"], shown.err) == (0, "created", "")
    assert manage("imports_status", import_id + 1).code == 1
    assert manage("imports_status", "x").code == 2
