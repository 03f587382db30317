"""The version of a row, which any statement that writes the row changes."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Func, TextField


class RowVersion(Func):
    """The version of the row of a lookup, as digits. Locking the row does not change it.

    It is the xmin of the row: the id of the transaction, or of its savepoint, that wrote it last, so no writer can
    forget to change it. A restored database has other versions.
    """

    output_field = TextField()

    def __init__(self, lookup: str) -> None:
        """``lookup`` is any column of the row but its key, which Django reads from rows that refer to it."""
        super().__init__(F(lookup))

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """The system column of the row's table."""
        (column,) = self.get_source_expressions()
        return f"{compiler.quote_name_unless_alias(column.alias)}.xmin::text", []
