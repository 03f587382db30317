"""Records that an import updated, with the change log of it."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.db.models import Model

from importsvc.changelog.models import Change
from importsvc.engine.apply.change_values import apply_change_values
from importsvc.engine.revert.changes import Query, read_type_changes
from importsvc.engine.revert.revert import OnConflict, UndoReport, undo
from importsvc.engine.revert.unpacking import unpack_changes
from importsvc.engine.schema import registry
from importsvc.engine.schema.importable import Importable
from importsvc.imports.models import Import
from importsvc.postgres.copy import json_text
from importsvc.postgres.plan_cache import force_generic_plans

# The tables of imports themselves.
IMPORT_TABLES = ("imports_import", "imports_stagedchunk", "changelog_change", "changelog_createdchunk")


def find_importable(model: type[Model]) -> Importable:
    """The type whose rows become records of this model."""
    return next(importable for importable in registry.in_dependency_order() if importable.model is model)


def undo_and_take_back(import_: Import, on_conflict: OnConflict = "refuse") -> UndoReport:
    """The report of undoing the import, which is rolled back."""
    with transaction.atomic():
        report = undo(organization_id=import_.organization_id, import_id=import_.pk, on_conflict=on_conflict)
        transaction.set_rollback(True)
    return report


def log_one_by_one(import_: Import) -> None:
    """Make each change of the import a row by itself, as a revert does that writes its outcome."""
    key = {"organization_id": import_.organization_id, "import_id": import_.pk}
    for of_type in read_type_changes(**key):
        for changes in of_type.by_action.values():
            ids = changes.select()
            unpack_changes(changes, Query(f"SELECT record_id FROM ({ids.sql}) AS change", ids.parameters))


def update_by_import(import_: Import, record: Model, *, row: int = 1, **after: Any) -> Change:
    """Update a record as an import does, and log it; ``values`` are by column of the table."""
    importable = find_importable(type(record))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO changelog_change"
            " (id, organization_id, import_id, record_type, record_id, row, action, before, after)"
            " SELECT nextval('changelog_block') * 4096, organization_id, %s, %s, id, %s, 'updated',"
            "  (SELECT jsonb_object_agg(key, to_jsonb(record) -> key)"
            "   FROM jsonb_object_keys(%s::jsonb) AS key), %s::jsonb"
            f" FROM {record._meta.db_table} AS record WHERE id = %s RETURNING id",
            [import_.pk, importable.name, row, json_text(after), json_text(after), record.pk],
        )
        (change_id,) = cursor.fetchone()
    force_generic_plans()
    apply_change_values(importable, organization_id=import_.organization_id, import_id=import_.pk, side="after")
    record.refresh_from_db()
    return Change.objects.get(pk=change_id)
