"""The steps of an import by way of the services: staged, run, reverted."""

from __future__ import annotations

from typing import Any

from importsvc.imports.actors import Actor
from importsvc.imports.models import Import
from importsvc.imports.services import UndoReport, create_import, revert_import, run_import
from people.services import NewOrganization


def stage(caller: NewOrganization, rows: Any, **attributes: Any) -> Import:
    """An import of these rows that was not run. ``attributes`` are further arguments of ``create_import``."""
    return create_import(organization=caller.organization, creator=caller.person, import_data=rows, **attributes)


def run(import_: Import, **options: Any) -> Import:
    """Run the import. ``options`` are further arguments of ``run_import``."""
    return run_import(organization=import_.organization, import_id=import_.pk, **options)


def import_rows(caller: NewOrganization, rows: Any, **attributes: Any) -> Import:
    """An import of these rows that the caller ran. ``attributes`` are further arguments of ``create_import``."""
    return run(stage(caller, rows, **attributes), actor=Actor("person", str(caller.person), caller.person.pk))


def revert(import_: Import, **options: Any) -> UndoReport:
    """Revert the import. ``options`` are further arguments of ``revert_import``."""
    return revert_import(organization=import_.organization, import_id=import_.pk, **options)


def counts(**of_rows: int) -> dict[str, int]:
    """The counts of an import's rows of one type: 0 unless given."""
    return {"created": 0, "updated": 0, "unchanged": 0, "skipped": 0, **of_rows}
