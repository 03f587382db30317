"""Foreign keys to people that act, which PostgreSQL checks by authors (docs/decisions/0028)."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint
from importsvc.postgres.restricted_keys import RestrictRemoval
from organizations.tenancy import TenantForeignKey


class AuthorForeignKey(TenantForeignKey):
    """A foreign key to a person that acts. Saving a row makes the person an author.

    A ``ForeignKeyConstraint`` to ``people.Author`` is among the model's constraints.
    """

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """The id of the person."""
        person_id = super().pre_save(model_instance, add)
        if person_id is not None:
            authors: Any = apps.get_model("people", "Author")._base_manager
            author = authors.model(organization_id=model_instance.organization_id, person_id=person_id)  # type: ignore[attr-defined]
            authors.bulk_create([author], ignore_conflicts=True)
        return person_id


class ReferToAuthors(RestrictRemoval):
    """Makes a foreign key to people refer to authors, which it creates for the rows that are there.

    The rest is as for ``RestrictRemoval``. Backwards the key refers to people again.
    """

    def __init__(self, model_name: str, key: ForeignKeyConstraint) -> None:
        """``key`` takes the place of the constraint of the model that has its name."""
        super().__init__(model_name, key.name)
        self.key = key

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Replace the constraint."""
        state.remove_constraint(app_label, self.model_name, self.name)
        state.add_constraint(app_label, self.model_name, self.key)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        """Replace the key by the one before."""
        super().database_forwards(app_label, schema_editor, from_state, to_state)

    def prepare(self, model: Any, key: ForeignKeyConstraint, schema_editor: BaseDatabaseSchemaEditor) -> None:
        """Make authors: nearly all before the key is replaced, so that it restricts the removal of their people."""
        if key != self.key:
            return
        quote = schema_editor.quote_name
        organization, person = (quote(column) for column, _ in key.get_columns(model))
        author = key.get_referred_model(model)._meta.db_table
        schema_editor.execute(
            f"INSERT INTO {quote(author)} (organization_id, person_id)"  # noqa: S608 - names of the schema
            f" SELECT DISTINCT {organization}, {person} FROM {quote(model._meta.db_table)} WHERE {person} IS NOT NULL"
            " ON CONFLICT DO NOTHING",
            params=None,
        )

    def describe(self) -> str:
        """What ``migrate --plan`` shows."""
        return f"Let {self.name} of {self.model_name} refer to authors"
