"""Which rows a transaction that is open at this moment has locked or written."""

from __future__ import annotations

from typing import Any

from django.db.models import BooleanField, F, Func


class IsLocked(Func):
    """Whether another transaction, which is open, locks or writes the row of a lookup.

    The xmax of a row is the id of the transaction that locks or writes it, and that transaction holds a lock on its id
    until it ends. Two transactions that share a lock are not noticed.
    """

    output_field = BooleanField()

    def __init__(self, lookup: str) -> None:
        """``lookup`` is any column of the row but its key, which Django reads from rows that refer to it."""
        super().__init__(F(lookup))

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """A comparison with the ids of all open transactions, which PostgreSQL reads once for a query."""
        (column,) = self.get_source_expressions()
        row = compiler.quote_name_unless_alias(column.alias)
        held = (
            "SELECT transactionid FROM pg_locks"
            " WHERE locktype = 'transactionid' AND granted AND pid <> pg_backend_pid()"
        )
        return f"({row}.xmax = ANY(ARRAY({held})))", []
