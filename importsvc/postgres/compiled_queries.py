"""Queries that Django writes once and not for every request: of a small query, writing costs more than answering."""

from __future__ import annotations

from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Expression, QuerySet

Row = tuple[Any, ...]


class Parameter(Expression):
    """Stands in a queryset for a value that is given each time the compiled query is asked."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """A placeholder, and itself in the place of the value."""
        return "%s", (self,)


class CompiledQuery:
    """The SQL of a ``values_list()`` queryset, to be asked as often as one likes, by any thread.

    What differs between one asking and another has to be a ``Parameter``; everything else stays as it was when the
    query was compiled. Nothing that was read is kept.
    """

    def __init__(self, queryset: QuerySet[Any, Any]) -> None:
        compiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
        self._sql, self._parameters = compiler.as_sql()
        # As in Django's results_iter(): how a field reads what the driver gives, where it does not take it as it is.
        self._converters = compiler.get_converters([column for column, *_ in compiler.select])

    def fetch(self, **values: Any) -> list[Row]:
        """The rows that the queryset has if its parameters have these values."""
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
