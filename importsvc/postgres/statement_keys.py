"""A foreign key that PostgreSQL checks once for each statement, instead of once for each row that it writes or removes.

Checking a plain key for 100,000 rows takes longer than copying them: a trigger is called for each row, and asks for the
same organization each time. These triggers are called once, and ask once for each value. See docs/decisions/0013.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS
from django.db.models import BaseConstraint

from importsvc.postgres.key_triggers import KeyTriggers

if TYPE_CHECKING:
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.models import Field, Model

# What PostgreSQL takes without quotes as the beginning of a name, with room for what is put after it.
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,54}")


class StatementForeignKey(BaseConstraint):
    """``fields`` of a row are ``to_fields`` of a row of the model ``to``, unless one of them is null.

    The database promises what ``FOREIGN KEY … REFERENCES`` promises, whatever writes: rows that refer to nothing are
    refused, and so is the removal of what is referred to; whoever refers to a row keeps others from removing it
    meanwhile. A violation is SQLSTATE 23503 with the constraint's name and table.

    It differs in this: it is checked at the end of each statement and cannot be deferred; ``pg_constraint`` does not
    know it; and what it guards is removed at READ COMMITTED only, because at other levels a trigger cannot see what was
    committed since its transaction began.

    Each table needs an index that starts with the last of the columns. The model's own ForeignKey is declared with
    ``db_constraint=False``. Remove the constraint before its model: the triggers on ``to`` would outlive the table.
    """

    def __init__(
        self,
        *,
        fields: Sequence[str],
        to: str,
        to_fields: Sequence[str],
        name: str,
        violation_error_code: str | None = None,
        violation_error_message: str | None = None,
    ) -> None:
        if not fields or len(fields) != len(to_fields):
            raise ValueError("A key has fields, and refers to as many.")
        if not _NAME.fullmatch(name):
            raise ValueError(
                "A key's name has at most 55 lower-case letters, digits and underscores: its triggers' begin so."
            )
        self.fields = tuple(fields)
        self.to = to
        self.to_fields = tuple(to_fields)
        super().__init__(
            name=name,
            violation_error_code=violation_error_code,
            violation_error_message=violation_error_message,
        )

    def get_referred(self, model: type[Model]) -> type[Model]:
        """The model referred to, among those that ``model`` is one of: today's, or those of a migration."""
        return model._meta.apps.get_model(self.to)

    def get_columns(self, model: type[Model]) -> tuple[tuple[str, str], ...]:
        """Pairs of a column of the model's table and the column that it refers to."""
        own = _get_fields(model, self.fields)
        there = _get_fields(self.get_referred(model), self.to_fields)
        return tuple((str(field.column), str(referred.column)) for field, referred in zip(own, there, strict=True))

    def constraint_sql(self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> str:
        """Nothing within the table's definition: the triggers are made once all tables are there."""
        assert model  # noqa: S101 - Django gives it; its types say that it may be missing
        assert schema_editor  # noqa: S101 - as above
        schema_editor.deferred_sql.append(self.create_sql(model, schema_editor))
        return ""

    def create_sql(self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> str:
        """Statements that make the key, and refuse to if it does not hold.

        Rows that are there are looked at, unless a plain foreign key promises the same already. Nobody can write into
        either table until the transaction ends.
        """
        return self._describe(model).create()

    def remove_sql(self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> str:
        """Statements that remove the key."""
        return self._describe(model).remove()

    def _describe(self, model: type[Model] | None) -> KeyTriggers:
        assert model  # noqa: S101 - as above
        return KeyTriggers(
            name=self.name,
            table=model._meta.db_table,
            columns=self.get_columns(model),
            referred=self.get_referred(model)._meta.db_table,
        )

    def validate(
        self,
        model: type[Model],
        instance: Model,
        exclude: Collection[str] | None = None,
        using: str = DEFAULT_DB_ALIAS,
    ) -> None:
        """Say in a form what the database would say.

        Raises:
            ValidationError: there is no such row.
        """
        values = [getattr(instance, field.attname) for field in _get_fields(model, self.fields)]
        if None in values or set(self.fields) & set(exclude or ()):
            return
        same = dict(zip(self.to_fields, values, strict=True))
        if not self.get_referred(model)._base_manager.using(using).filter(**same).exists():
            raise ValidationError(self.get_violation_error_message(), code=self.violation_error_code)

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        """As migrations write it."""
        path, arguments, keywords = super().deconstruct()
        return path, arguments, {**keywords, "fields": self.fields, "to": self.to, "to_fields": self.to_fields}

    def __eq__(self, other: object) -> bool:
        if isinstance(other, StatementForeignKey):
            return self.deconstruct() == other.deconstruct()
        return NotImplemented

    def __hash__(self) -> int:
        return hash((self.name, self.fields, self.to, self.to_fields))

    def __repr__(self) -> str:
        return f"<StatementForeignKey: {self.name} {self.fields} to {self.to} {self.to_fields}>"


def _get_fields(model: type[Model], names: Sequence[str]) -> list[Field[Any, Any]]:
    """The model's fields of these names, as far as they have columns."""
    fields = {field.name: field for field in model._meta.concrete_fields}
    return [fields[name] for name in names]


def find_statement_keys() -> Iterator[tuple[type[Model], StatementForeignKey]]:
    """Every such key of today's models, with the model that has it."""
    for model in apps.get_models(include_auto_created=True):
        for constraint in model._meta.constraints:
            if isinstance(constraint, StatementForeignKey):
                yield model, constraint
