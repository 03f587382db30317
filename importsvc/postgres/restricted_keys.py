"""Foreign keys that were made before ``ForeignKeyConstraint`` restricted the removal of rows."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation

from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint

_MADE_BEFORE: Final = (
    "SELECT 1 FROM pg_constraint WHERE conrelid = to_regclass(%s) AND conname = %s"
    " AND (confdeltype <> 'r' OR confrelid <> to_regclass(%s))"
)


class RestrictRemoval(Operation):
    """Makes a foreign key again that has no ``ON DELETE RESTRICT``, or refers to another table than it should.

    The migration has ``atomic = False``: the key is replaced at once, and its rows are checked afterwards, while they
    are read and written. If that is interrupted, the next attempt checks them again.
    """

    atomic = False
    reversible = True
    reduces_to_sql = False

    def __init__(self, model_name: str, name: str) -> None:
        """Name the constraint ``name`` of the model."""
        self.model_name = model_name
        self.name = name

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing changes in what models declare."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        """Replace the key, and check its rows."""
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        key: ForeignKeyConstraint = next(each for each in model._meta.constraints if each.name == self.name)
        table = schema_editor.quote_name(model._meta.db_table)
        with schema_editor.connection.cursor() as cursor:
            referred = schema_editor.quote_name(key.get_referred_model(model)._meta.db_table)
            cursor.execute(_MADE_BEFORE, [table, self.name, referred])
            was_made_before = cursor.fetchone() is not None
        if was_made_before:
            self.prepare(model, key, schema_editor)
            with transaction.atomic(using=schema_editor.connection.alias):
                schema_editor.execute(key.remove_sql(model, schema_editor), params=None)
                schema_editor.execute(f"{key.create_sql(model, schema_editor)} NOT VALID", params=None)
        self.prepare(model, key, schema_editor)
        schema_editor.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {schema_editor.quote_name(self.name)}")

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        """The key stays as it is: it refuses the same rows."""

    def prepare(self, model: Any, key: ForeignKeyConstraint, schema_editor: BaseDatabaseSchemaEditor) -> None:
        """Called before the key is replaced, and before the rows are checked that were there before it."""

    def describe(self) -> str:
        """What ``migrate --plan`` shows."""
        return f"Restrict the removal of rows that {self.model_name} refers to by {self.name}"
