"""``revert_imports --json`` prints one document about all reverts and refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from importsvc.management.output import Refused
from people.services import NewOrganization
from tests.command_line import manage
from tests.imports.revert_command import id_of, import_update

pytestmark = pytest.mark.django_db


def test_json_output_is_one_document_about_all_imports(
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
def test_a_refusal_is_a_json_document_with_the_same_exit_code(acme: NewOrganization) -> None:
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
