"""Unique constraints that are added to large tables while these are in use."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddConstraint


class AddUniqueConstraintConcurrently(AddConstraint):
    """Adds a ``UniqueConstraint`` that is a unique index, such as one with a condition, without a lock for writers.

    The migration has ``atomic = False`` and no other operation. If it fails, PostgreSQL leaves an invalid index behind;
    the next attempt removes that first. It waits for older transactions without a limit: writers do not wait for it.
    """

    atomic = False

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        """Create the index.

        Raises:
            django.db.IntegrityError: two records have the same values.
        """
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            create = str(self.constraint.create_sql(model, schema_editor))
            concurrently = create.replace("CREATE UNIQUE INDEX", "CREATE UNIQUE INDEX CONCURRENTLY", 1)
            assert concurrently != create, f"{self.constraint.name} is not an index"  # noqa: S101 - a declaration
            self._execute(schema_editor, self._drop(schema_editor), concurrently)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        """Drop the index."""
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            self._execute(schema_editor, self._drop(schema_editor))

    def _drop(self, schema_editor: BaseDatabaseSchemaEditor) -> str:
        return f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(self.constraint.name)}"

    def _execute(self, schema_editor: BaseDatabaseSchemaEditor, *statements: str) -> None:
        # ``migrate`` sets a short lock_timeout, after which a build that waits for a transaction would be lost.
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('lock_timeout')")
            (limit,) = cursor.fetchone()
            cursor.execute("SET lock_timeout = 0")
        try:
            for statement in statements:
                schema_editor.execute(statement, params=None)
        finally:
            with schema_editor.connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, false)", [limit])
