"""Calls of ``revert_imports``, and an import with conflicts."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from importsvc.imports.models import Import, ImportState
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_person
from tests.imports.steps import import_rows


def revert(capsys: pytest.CaptureFixture[str], *arguments: int | str) -> list[str]:
    """The lines that the command prints when nothing is refused."""
    call_command("revert_imports", *map(str, arguments))
    return capsys.readouterr().out.splitlines()


def revert_partly(capsys: pytest.CaptureFixture[str], *arguments: int | str) -> tuple[list[str], str]:
    """The lines that the command prints, and its error, when something is refused."""
    with pytest.raises(CommandError) as caught:
        call_command("revert_imports", *map(str, arguments))
    assert caught.value.returncode == 1
    return capsys.readouterr().out.splitlines(), str(caught.value)


def import_update(caller: NewOrganization) -> int:
    """An import that updated three people and created two; one of each was edited since, and one is gone."""
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
    """The id of the person of this first name."""
    return Person.objects.get(first_name=first_name).pk


def titles() -> dict[str, str | None]:
    """The titles of the people that have one, by first name."""
    return dict(Person.objects.exclude(title=None).values_list("first_name", "title"))


def state_of(import_id: int) -> ImportState:
    """The state of the import as it is now."""
    return Import.objects.get(pk=import_id).state
