"""A foreign key of any number of columns, declared among a model's constraints."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS
from django.db.backends.ddl_references import Columns, Statement, Table
from django.db.models import BaseConstraint

if TYPE_CHECKING:
    from django.db.models import Model


class ForeignKeyConstraint(BaseConstraint):
    """A foreign key from ``fields`` to ``to_fields`` of the model ``to``, without effect if one of the fields is null.

    In PostgreSQL it is ``FOREIGN KEY (…) REFERENCES … (…)`` with ``MATCH SIMPLE`` and ``ON DELETE RESTRICT``. For each
    removed row that takes half as long as ``NO ACTION``, which also asks whether another row has the key by now. It is
    not deferrable: it is checked at the end of each statement, and the rows to check are not held in memory longer.

    With ``cascades`` it is ``ON DELETE CASCADE``: a row goes with the one that it refers to, and the keys that refer to
    it count as keys to that one (``find_foreign_keys``).

    The model's ``ForeignKey`` has ``db_constraint=False``. The ``to_fields`` need a unique constraint or a primary key
    of exactly these columns, and the model's table needs an index that starts with the columns of ``fields``.
    """

    def __init__(
        self, *, fields: Sequence[str], to: str, to_fields: Sequence[str], name: str, cascades: bool = False
    ) -> None:
        if not fields or len(fields) != len(to_fields):
            raise ValueError("A foreign key has fields, and refers to as many fields.")
        self.fields = tuple(fields)
        self.to = to
        self.to_fields = tuple(to_fields)
        self.cascades = cascades
        super().__init__(name=name)

    def get_referred_model(self, model: type[Model]) -> type[Model]:
        """The model referred to, from the app registry of ``model``, which may be that of a migration's state."""
        return model._meta.apps.get_model(self.to)

    def get_columns(self, model: type[Model]) -> tuple[tuple[str, str], ...]:
        """Pairs of a column of the model's table and the column that it refers to."""
        own: Any = model._meta
        referred: Any = self.get_referred_model(model)._meta
        pairs = zip(self.fields, self.to_fields, strict=True)
        return tuple((own.get_field(name).column, referred.get_field(to_name).column) for name, to_name in pairs)

    def constraint_sql(self, model: Any, schema_editor: Any) -> str:
        """Empty: the key is added after CREATE TABLE, at the end of the migration, when both tables exist."""
        schema_editor.deferred_sql.append(self._make_statement(model, schema_editor))
        return ""

    def create_sql(self, model: Any, schema_editor: Any) -> str:
        """A statement that adds the key."""
        return str(self._make_statement(model, schema_editor))

    def remove_sql(self, model: Any, schema_editor: Any) -> str:
        """A statement that drops the key."""
        # Not Django's sql_delete_fk: its SET CONSTRAINTS is an error for a key that is not deferrable.
        table, name = schema_editor.quote_name(model._meta.db_table), schema_editor.quote_name(self.name)
        return str(schema_editor.sql_delete_constraint % {"table": table, "name": name})

    def _make_statement(self, model: type[Model], schema_editor: Any) -> Statement:
        quote = schema_editor.quote_name
        table, to_table = model._meta.db_table, self.get_referred_model(model)._meta.db_table
        columns, to_columns = map(list, zip(*self.get_columns(model), strict=True))
        action = "CASCADE" if self.cascades else "RESTRICT"
        return Statement(
            schema_editor.sql_create_fk.replace("%(deferrable)s", f" ON DELETE {action}%(deferrable)s"),
            table=Table(table, quote),
            name=quote(self.name),
            column=Columns(table, columns, quote),
            to_table=Table(to_table, quote),
            to_column=Columns(to_table, to_columns, quote),
            deferrable="",
        )

    def validate(
        self, model: Any, instance: Model, exclude: Collection[str] | None = None, using: str = DEFAULT_DB_ALIAS
    ) -> None:
        """Check an instance, as in a form.

        Raises:
            ValidationError: the row referred to does not exist.
        """
        values = [getattr(instance, model._meta.get_field(name).attname) for name in self.fields]
        if None in values or set(self.fields) & set(exclude or ()):
            return
        referred_model, referred = self.get_referred_model(model), dict(zip(self.to_fields, values, strict=True))
        if further := find_cascading_key(referred_model):
            # Saving the row creates such a row if there is none.
            referred = {there: referred[here] for here, there in zip(further.fields, further.to_fields, strict=True)}
            referred_model = further.get_referred_model(referred_model)
        if not referred_model._base_manager.using(using).filter(**referred).exists():
            raise ValidationError(self.get_violation_error_message())

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        """The arguments, for migrations."""
        path, arguments, keywords = super().deconstruct()
        keywords |= {"fields": self.fields, "to": self.to, "to_fields": self.to_fields}
        return path, arguments, {**keywords, "cascades": True} if self.cascades else keywords

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ForeignKeyConstraint) and self.deconstruct() == other.deconstruct()


def find_cascading_key(model: type[Model]) -> ForeignKeyConstraint | None:
    """The key of a model whose rows go with the rows that they refer to; ``None`` for another model."""
    keys = (each for each in model._meta.constraints if isinstance(each, ForeignKeyConstraint))
    return next((key for key in keys if key.cascades), None)
