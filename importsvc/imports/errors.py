"""How imports refuse: codes and data, no HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from importsvc.engine.errors import RowErrors
from importsvc.engine.revert import conflicts
from importsvc.engine.revert.revert import UndoReport
from importsvc.engine.schema.importable import get_plural_name
from importsvc.errors import Conflict, InvalidAttribute
from importsvc.imports.models import ImportState


class ImportDataInvalid(InvalidAttribute):
    """``import_data`` as a whole is not acceptable; the detail says where and what."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, attribute="import_data")


class RowsInvalid(InvalidAttribute):
    """Some rows are not acceptable. The detail is the object of the contract's section 1.

    Past 1,000 entries the list is cut, and ``meta`` says how many there are.

    Attributes:
        errors: what is wrong, and how much of it there is.
    """

    def __init__(self, errors: RowErrors, submitted: Iterable[str]) -> None:
        """``submitted`` are the types in the order in which they were submitted."""
        detail = errors.describe(submitted)
        count = errors.entry_count
        cut = count > sum(map(len, detail.values()))
        super().__init__(detail, attribute="import_data", meta={"error_count": count} if cut else None)
        self.errors = errors


class WrongState(Conflict):
    """The import is not in the state that the move starts from (contract, section 2.4)."""

    def __init__(self, state: ImportState, move: str) -> None:
        super().__init__(f"The import is in state '{state}' and cannot be {move}")
        self.state = state


class RevertConflict(Conflict):
    """Reverting would destroy what somebody else did since. Nothing was touched; ``meta`` names the records and why."""

    def __init__(self, report: UndoReport) -> None:
        count = report.conflict_count
        what = "1 change or reference" if count == 1 else f"{count} changes or references"
        super().__init__(
            f"{what} since the import {'stands' if count == 1 else 'stand'} in the way",
            meta={"conflicts": [describe_conflict(c) for c in report.conflicts], "conflict_count": count},
        )


def describe_conflict(conflict: conflicts.Conflict) -> dict[str, Any]:
    """A conflict as ``meta`` has it: the record and the reason, and what belongs to that.

    ``changed`` has ``fields`` and what these were ``then`` and are ``now``; ``referenced`` has ``referenced_by``, the
    first of what refers to the record; ``column_gone`` has ``fields`` that the table does not have any more;
    ``reference_gone`` has ``fields`` and what they referred to ``before`` and cannot refer to again.
    """
    described: dict[str, Any] = {
        "type": get_plural_name(conflict.model),
        "id": str(conflict.record_id),
        "row": conflict.row,
        "reason": str(conflict.reason),
    }
    if conflict.referenced_by:
        referrer, first = conflict.referenced_by
        return {**described, "referenced_by": {"type": referrer, "id": None if first is None else str(first)}}
    described["fields"] = list(conflict.fields)
    if conflict.reason == conflicts.Reason.CHANGED:
        return {**described, "then": dict(conflict.then), "now": dict(conflict.now)}
    if conflict.reason == conflicts.Reason.REFERENCE_GONE:
        return {**described, "before": dict(conflict.then)}
    return described
