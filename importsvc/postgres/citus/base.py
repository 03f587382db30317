"""Django's PostgreSQL backend, whose migrations distribute the tables that they create in a distributed database."""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import base, schema
from django.db.models import Model

from importsvc.postgres.citus.catalog import is_distributed
from importsvc.postgres.citus.distribution import plan_distribution
from importsvc.postgres.citus.tenants import find_organization_model, find_tenant_tables


class SchemaEditor(schema.DatabaseSchemaEditor):
    """Django's own, but for new tables with rows of organizations."""

    def create_model(self, model: type[Model]) -> None:
        """Create the table. Its foreign keys come later, when it is distributed as the tables that they refer to."""
        super().create_model(model)
        owner = find_organization_model(model)
        if owner is None or self.collect_sql or not is_distributed(self.connection, owner._meta.db_table):
            return
        for statement in plan_distribution(self.connection, find_tenant_tables([model])):
            self.execute(statement, params=None)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to the server that ``DATABASE_URL`` names."""

    SchemaEditorClass: Any = SchemaEditor
