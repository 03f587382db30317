"""``revert_imports`` selects imports by conditions, and reverts the newest first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from importsvc.imports.models import Import, ImportState
from importsvc.imports.services import run_import
from people.services import NewOrganization
from tests.builders import make_import, make_organization
from tests.imports.steps import import_rows

pytestmark = pytest.mark.django_db


def processed(caller: NewOrganization, day: int = 1, hour: int = 0, **fields: Any) -> int:
    """An import that was run on this day of January 2024, without changes."""
    at = datetime(2024, 1, day, hour, tzinfo=UTC)
    return make_import(creator=caller.person, started_at=at, processed_at=at, **fields).pk


def select(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[int]:
    """The ids of the imports that would be reverted, in the order of a dry run's lines."""
    call_command("revert_imports", "--dry-run", *map(str, arguments))
    lines = capsys.readouterr().out.splitlines()
    if lines == ["No imports to revert"]:
        return []
    ids = [int(line.split()[1].removesuffix(":")) for line in lines]
    assert lines == [f"Import {import_id}: would remove nothing" for import_id in ids]
    return ids


def test_all_imports_of_an_organization_are_reverted_newest_first(
    acme: NewOrganization, capsys: pytest.CaptureFixture[str]
) -> None:
    globex = make_organization()
    import_rows(globex, {"company": [{"name": "Elsewhere"}]})
    first = import_rows(acme, {"company": [{"name": "Old"}]}).pk
    second = import_rows(acme, {"person": [{"first_name": "A", "email": "a@b.test", "company": "old"}]}).pk
    rows = {"person": [{"first_name": "B", "email": "a@b.test"}, {"first_name": "C"}]}
    third = import_rows(acme, rows, on_duplicate="update").pk

    call_command("revert_imports", "--organization", str(acme.organization.pk))

    assert capsys.readouterr().out.splitlines() == [
        f"Import {third}: removed 1 person; restored 1 person",
        f"Import {second}: removed 1 person",
        f"Import {first}: removed 1 company",
    ]
    assert [import_.state for import_ in Import.objects.order_by("id")] == [
        ImportState.PROCESSED,
        *[ImportState.REVERTED] * 3,
    ]


def test_the_import_that_was_run_last_is_reverted_first_whenever_it_was_created(
    acme: NewOrganization, capsys: pytest.CaptureFixture[str]
) -> None:
    created_first = make_import(creator=acme.person).pk
    created_last = import_rows(acme, {"company": [{"name": "New"}]}).pk
    rows = {"person": [{"first_name": "A", "company": "New"}]}
    run_import(organization=acme.organization, import_id=created_first, import_data=rows)

    call_command("revert_imports", "--organization", str(acme.organization.pk))

    assert capsys.readouterr().out.splitlines() == [
        f"Import {created_first}: removed 1 person",
        f"Import {created_last}: removed 1 company",
    ]


def test_a_dry_run_judges_each_import_in_the_current_state(
    acme: NewOrganization, capsys: pytest.CaptureFixture[str]
) -> None:
    older = import_rows(acme, {"company": [{"name": "Old"}]}).pk
    newer = import_rows(acme, {"person": [{"first_name": "New", "company": "old"}]}).pk

    with pytest.raises(CommandError, match=r"^1 of 2 would be refused$") as caught:
        call_command("revert_imports", "--dry-run", "--organization", str(acme.organization.pk))

    assert caught.value.returncode == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"Import {newer}: would remove 1 person"
    assert lines[1].startswith(f"Import {older}: would be refused: 1 change or reference since the import stands")
    assert not Import.objects.exclude(reverted_at=None).exists()


def test_only_imports_that_were_run_and_not_reverted_are_selected(
    acme: NewOrganization, capsys: pytest.CaptureFixture[str]
) -> None:
    for state in (ImportState.CREATED, ImportState.REVERTED):
        make_import(creator=acme.person, state=state)
    import_id = processed(acme)

    assert select(capsys, "--organization", acme.organization.pk) == [import_id]


def test_imports_are_selected_by_sample(acme: NewOrganization, capsys: pytest.CaptureFixture[str]) -> None:
    true, false, null = (processed(acme, sample=sample) for sample in (True, False, None))

    assert select(capsys, "--sample", "true") == [true]
    assert select(capsys, "--sample", "false") == [false]
    assert select(capsys, "--sample", "null") == [null]
    assert select(capsys, "--sample", "false", "--sample", "null") == [null, false]


def test_imports_are_selected_by_model(acme: NewOrganization, capsys: pytest.CaptureFixture[str]) -> None:
    processed(acme)
    seventh, _ = (processed(acme, import_model_id=model) for model in (7, 8))

    assert select(capsys, "--import-model", 7) == [seventh]
    assert select(capsys, "--import-model", 10**19 - 1) == []


@pytest.mark.parametrize(
    ("arguments", "days"),
    [
        (["--since", "2024-01-02"], [3, 2]),
        (["--until", "2024-01-02"], [1]),
        (["--since", "2024-01-02", "--until", "2024-01-03"], [2]),
        (["--since", "2024-01-02T12:00"], [3, 2]),
        (["--since", "2024-01-02T12:00:00.000001"], [3]),
        (["--since", "2024-01-02T13:00+01:00"], [3, 2]),
        (["--since", "2024-01-02T13:00"], [3]),
        (["--until", "2024-01-02 12:00:00Z"], [1]),
        (["--until", "2024-01-02T12:00:01Z"], [2, 1]),
        (["--since", "0001-01-01", "--until", "9999-12-31T23:59:59"], [3, 2, 1]),
        (["--since", "2024-01-03", "--until", "2024-01-02"], []),
    ],
)
def test_imports_are_selected_by_when_they_were_run_with_since_inclusive_and_until_exclusive(
    acme: NewOrganization, capsys: pytest.CaptureFixture[str], arguments: list[str], days: list[int]
) -> None:
    by_day = {day: processed(acme, day, hour=12) for day in (1, 2, 3)}

    assert select(capsys, *arguments) == [by_day[day] for day in days]


def test_selected_imports_meet_all_conditions(acme: NewOrganization, capsys: pytest.CaptureFixture[str]) -> None:
    common: dict[str, Any] = {"sample": True, "import_model_id": 7}
    wanted = [processed(acme, 2, **common), processed(acme, 2, hour=1, **common)]
    processed(make_organization(), 2, **common)
    processed(acme, 1, **common)
    processed(acme, 3, **common)
    processed(acme, 2, **{**common, "sample": False})
    processed(acme, 2, **{**common, "import_model_id": 8})

    conditions = ["--organization", acme.organization.pk, "--sample", "true", "--import-model", 7]
    assert select(capsys, *conditions, "--since", "2024-01-02", "--until", "2024-01-03") == wanted[::-1]


@pytest.mark.parametrize("organization", [10**6, 10**19 - 1])
def test_an_unknown_organization_is_an_error(acme: NewOrganization, organization: int) -> None:
    with pytest.raises(CommandError, match=f"^There is no organization {organization}$") as caught:
        call_command("revert_imports", "--organization", str(organization))
    assert caught.value.returncode == 1


@pytest.mark.parametrize(
    "arguments",
    [[], ["--dry-run"], ["--on-conflict", "keep"], ["1", "--sample", "true"], ["1", "--until", "2024-01-01"]],
)
def test_either_ids_or_conditions_are_required(
    db: None, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    message = (
        "^Give either ids of imports or a selection by --organization, --sample, --since, --until, --import-model$"
    )
    with pytest.raises(CommandError, match=message) as caught:
        call_command("revert_imports", *arguments)
    assert caught.value.returncode == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--organization", "0"],
        ["--organization", "Acme"],
        ["--sample", "True"],
        ["--sample", ""],
        ["--import-model", "-7"],
        ["--since", "yesterday"],
        ["--since", "2024-02-30"],
        ["--until", ""],
        ["--until", "9999-12-31T23:59-01:00"],
        ["--since", "0001-01-01T00:00+01:00"],
    ],
)
def test_invalid_conditions_are_errors(db: None, arguments: list[str]) -> None:
    with pytest.raises(CommandError, match=r"^Error: argument --\S+: "):
        call_command("revert_imports", *arguments)
