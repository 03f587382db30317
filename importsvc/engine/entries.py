"""Entries of the journal, and the records they are about, as SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection

from importsvc.engine.copying import array_literal
from importsvc.engine.importable import Importable
from importsvc.journal import get_journal_model


def quoted_journal() -> str:
    """The journal's table."""
    return connection.ops.quote_name(get_journal_model()._meta.db_table)


@dataclass(frozen=True)
class Entries:
    """The entries of one type and action that an import has in the journal.

    Attributes:
        import_id: which import.
        importable: the type of the records.
        action: what was done to them.
        record_ids: only those of these records; ``None`` for all.
    """

    import_id: int
    importable: Importable
    action: str
    record_ids: Sequence[int] | None = None

    def of(self, record_ids: Sequence[int]) -> Entries:
        """Those of some records."""
        return replace(self, record_ids=record_ids)

    @property
    def table(self) -> str:
        """The table of the records, quoted."""
        return connection.ops.quote_name(self.importable.model._meta.db_table)

    @property
    def parameters(self) -> list[Any]:
        """What ``condition`` and ``source`` take, each time that either stands in a statement."""
        parameters: list[Any] = [self.import_id, self.importable.name]
        if self.record_ids is not None:
            parameters.append(array_literal([str(record_id) for record_id in self.record_ids]))
        return parameters

    def condition(self, alias: str) -> str:
        """What a row of the journal fulfils that is one of these entries."""
        some = f" AND {alias}.record_id = ANY(%s::bigint[])" if self.record_ids is not None else ""
        return f"{alias}.import_id = %s AND {alias}.record_type = %s AND {alias}.action = '{self.action}'{some}"

    def source(self) -> str:
        """``FROM`` the entries, as ``change``."""
        return f"FROM (SELECT * FROM {quoted_journal()} AS change WHERE {self.condition('change')}) AS change"

    def source_with_records(self, select: str = "SELECT *", locking: str = "") -> str:
        """``FROM`` the entries, as ``change``, and the records that are left of them, as ``record``.

        Here and elsewhere, LATERAL and OFFSET decide that the journal's rows are gone through and the records looked
        up. Of an import that was just run PostgreSQL has no statistics: it expects one row, and may compare each with
        each.
        """
        return (
            f"{self.source()} CROSS JOIN LATERAL"
            f" ({select} FROM {self.table} AS record WHERE record.id = change.record_id OFFSET 0 {locking}) AS record"
        )
