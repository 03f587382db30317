"""How PostgreSQL stores the large values of a column, set by a migration."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation, OperationCategory

from importsvc.postgres.citus.catalog import is_distributed


class SetColumnStorage(Operation):
    """Sets the storage of a column of a table that is there already, such as ``EXTERNAL`` for no compression.

    Citus does not pass the statement on to the parts of a distributed table. They are altered after the commit, by
    connections of their own; if that does not happen, they keep the storage they had, and nothing else is different.
    """

    category = OperationCategory.ALTERATION

    def __init__(self, model_name: str, name: str, storage: str) -> None:
        self.model_name, self.name, self.storage = model_name, name, storage

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The storage is not part of a model."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        """Set the storage."""
        self._set(self.storage, app_label, schema_editor, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        """Set PostgreSQL's own."""
        self._set("EXTENDED", app_label, schema_editor, to_state)

    def describe(self) -> str:
        """The operation in words."""
        return f"Set the storage of {self.name} of {self.model_name} to {self.storage}"

    def _set(self, storage: str, app_label: str, schema_editor: BaseDatabaseSchemaEditor, state: Any) -> None:
        model = state.apps.get_model(app_label, self.model_name)
        connection, quote = schema_editor.connection, schema_editor.quote_name
        if not self.allow_migrate_model(connection.alias, model):
            return
        table = model._meta.db_table
        change = f"ALTER COLUMN {quote(model._meta.get_field(self.name).column)} SET STORAGE {storage}"
        sql = f"ALTER TABLE {quote(table)} {change}"
        if schema_editor.collect_sql or not is_distributed(connection, table):
            schema_editor.execute(sql, params=None)
            return
        for statement in ("SET LOCAL citus.enable_ddl_propagation = off", sql):
            schema_editor.execute(statement, params=None)
        schema_editor.execute("SET LOCAL citus.enable_ddl_propagation = on", params=None)

        def alter_parts() -> None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT run_command_on_shards(%s, %s)", [quote(table), f"ALTER TABLE %s {change}"])

        transaction.on_commit(alter_parts, using=connection.alias)
