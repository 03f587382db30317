"""Queries whose SQL is compiled once. For a small query, Django's compilation takes longer than its execution."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import BooleanField, Expression, Func, QuerySet

Row = tuple[Any, ...]


class Parameter(Expression):
    """A placeholder in a queryset, whose value is given for each execution of the compiled query."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """A placeholder, with this object in place of the value."""
        return "%s", (self,)


class IsOneOf(Func):
    """Whether a column has one of the integers of an array literal. ``in`` has a placeholder for each of its values."""

    template = "%(expressions)s::bigint[])"
    arg_joiner = " = ANY("
    output_field = BooleanField()


class CompiledQuery:
    """The SQL of a ``values_list()`` queryset, which any thread may execute any number of times.

    A value that differs between executions must be a ``Parameter``; all other values are fixed. No results are cached.
    """

    def __init__(self, queryset: QuerySet[Any, Any]) -> None:
        compiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
        self._sql, self._parameters = compiler.as_sql()
        # As in Django's results_iter(): the conversions from the driver's values to those of the fields.
        self._converters = compiler.get_converters([column for column, *_ in compiler.select])

    def fetch(self, **values: Any) -> list[Row]:
        """The rows of the queryset with these values of its parameters."""
        parameters = [values[each.name] if isinstance(each, Parameter) else each for each in self._parameters]
        with connection.cursor() as cursor:
            cursor.execute(self._sql, parameters)
            rows: list[Row] = cursor.fetchall()
        return [self._convert(row) for row in rows] if self._converters else rows

    def _convert(self, row: Row) -> Row:
        values = list(row)
        for place, (converters, expression) in self._converters.items():
            for convert in converters:
                values[place] = convert(values[place], expression, connection)
        return tuple(values)


class CompiledRecords:
    """The SQL of a queryset of records, likewise."""

    def __init__(self, queryset: QuerySet[Any, Any], *, without: Collection[str] = ()) -> None:
        """Leave out the columns ``without``, which Django reads when they are needed."""
        self._model = queryset.model
        fields = self._model._meta.concrete_fields
        self._names = [field.attname for field in fields if field.attname not in without]
        self._query = CompiledQuery(queryset.values_list(*self._names))

    def fetch(self, **values: Any) -> list[Any]:
        """The records of the queryset with these values of its parameters."""
        rows = self._query.fetch(**values)
        return [self._model.from_db(DEFAULT_DB_ALIAS, self._names, row) for row in rows]
