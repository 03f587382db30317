"""Django's PostgreSQL backend, whose migrations distribute the tables that they create in a distributed database."""

from __future__ import annotations

import copy
import re
from typing import Any, Final

from django.db.backends.postgresql import base, schema
from django.db.models import Model

from importsvc.postgres.citus.catalog import is_distributed
from importsvc.postgres.citus.distribution import plan_distribution
from importsvc.postgres.citus.tenants import TenantTables, find_organization_model

_FOREIGN_KEY: Final = re.compile(r'ALTER TABLE "(?P<table>\w+)" ADD CONSTRAINT .* FOREIGN KEY ')


class SchemaEditor(schema.DatabaseSchemaEditor):
    """Django's own, but for new tables with rows of organizations.

    They are distributed at the end of their migration: until then any statement may alter them, also those that Citus
    does not have for distributed tables. Their foreign keys follow, as a local table cannot refer to a distributed one.
    """

    def __enter__(self) -> SchemaEditor:
        """Begin a migration, which has created no table yet."""
        self._owners: dict[str, str] = {}
        super().__enter__()
        return self

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        """Distribute the new tables, and execute what is deferred."""
        if exc_type is None:
            self.deferred_sql[:0] = self._plan()
            self._owners = {}
        super().__exit__(exc_type, exc_value, traceback)

    def create_model(self, model: type[Model]) -> None:
        """Create the table, and remember that it is to be distributed."""
        super().create_model(model)
        owner = find_organization_model(model)
        if owner is not None and not self.collect_sql and is_distributed(self.connection, owner._meta.db_table):
            self._owners[model._meta.db_table] = owner._meta.db_table

    def add_field(self, model: type[Model], field: Any) -> None:
        """Add the column, and its check by a statement of its own: Citus adds no constraint without a name."""
        table = model._meta.db_table
        check = field.db_parameters(self.connection)["check"]
        if not check or table in self._owners or self.collect_sql or not is_distributed(self.connection, table):
            super().add_field(model, field)
            return
        unchecked = copy.copy(field)
        unchecked.db_check = lambda connection: None
        super().add_field(model, unchecked)
        # The name that PostgreSQL would have given to it.
        name = self.quote_name(f"{table}_{field.column}_check")
        self.execute(
            self.sql_create_check % {"table": self.quote_name(table), "name": name, "check": check}, params=None
        )

    def execute(self, sql: Any, params: Any = ()) -> None:
        """Execute a statement, or defer it if it adds a foreign key to a new table."""
        found = self._owners and _FOREIGN_KEY.match(str(sql))
        if found and found["table"] in self._owners:
            self.deferred_sql.append(sql)
        else:
            super().execute(sql, params)

    def _plan(self) -> list[str]:
        tables: dict[str, list[str]] = {}
        for table, owner in self._owners.items():
            tables.setdefault(owner, []).append(table)
        planned = (plan_distribution(self.connection, TenantTables(owner, tuple(tables[owner]))) for owner in tables)
        return [statement for statements in planned for statement in statements]


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to the server that ``DATABASE_URL`` names."""

    SchemaEditorClass: Any = SchemaEditor
