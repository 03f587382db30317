"""The errors of imports: codes and data, no HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from importsvc.engine.errors import RowErrors
from importsvc.engine.revert import conflicts
from importsvc.engine.revert.revert import UndoReport
from importsvc.engine.schema.importable import get_plural_name
from importsvc.errors import Busy, Conflict, InvalidAttribute
from importsvc.imports.models import Import, ImportState


class ImportDataInvalid(InvalidAttribute):
    """``import_data`` as a whole is not acceptable; the detail says where and what."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, attribute="import_data")


class RowsInvalid(InvalidAttribute):
    """Rows are not acceptable. The detail is the object that section 1 of the contract describes.

    It has at most 1,000 entries; if there are more, ``meta`` has their number.

    Attributes:
        errors: the row errors and their number.
        submitted: the types in the order in which they were submitted.
    """

    def __init__(self, errors: RowErrors, submitted: Iterable[str]) -> None:
        """``submitted`` are the types in the order in which they were submitted."""
        self.submitted = tuple(submitted)
        detail = errors.describe(self.submitted)
        count = errors.entry_count
        cut = count > sum(map(len, detail.values()))
        super().__init__(detail, attribute="import_data", meta={"error_count": count} if cut else None)
        self.errors = errors


class WrongState(Conflict):
    """The import is not in the state that the transition starts from (contract, section 2.4)."""

    def __init__(self, state: ImportState, move: str) -> None:
        super().__init__(f"The import is in state '{state}' and cannot be {move}")
        self.state = state


class ImportPruned(Conflict):
    """The rows that the request needs were deleted because of their age."""

    def __init__(self, import_: Import) -> None:
        day = f"{import_.pruned_at:%Y-%m-%d}"
        if import_.state == ImportState.CREATED:
            detail = f"The staged rows of this import were deleted on {day}, because it was not run; stage them again"
        else:
            detail = f"The change log of this import was deleted on {day}; it cannot be reverted any more"
        super().__init__(detail)


class ImportInUse(Busy):
    """Another transaction updates, runs or reverts the import at this moment."""

    default_detail = "The import is being updated, run or reverted at this moment"
    retry_after = 5


class RevertConflict(Conflict):
    """A revert would destroy later changes or break references. Nothing was changed; ``meta`` lists the conflicts."""

    def __init__(self, report: UndoReport) -> None:
        count = report.conflict_count
        what = "1 change or reference" if count == 1 else f"{count} changes or references"
        super().__init__(
            f"{what} since the import {'stands' if count == 1 else 'stand'} in the way",
            meta={"conflicts": [describe_conflict(c) for c in report.conflicts], "conflict_count": count},
        )


def describe_conflict(conflict: conflicts.Conflict) -> dict[str, Any]:
    """A conflict in the form of ``meta``: the record, the reason, and further members by reason.

    ``changed`` has ``fields`` with their values ``then`` and ``now``; ``referenced`` has ``referenced_by``, the first
    referring record; ``column_gone`` has the ``fields`` that the table no longer has; ``reference_gone`` has
    ``fields`` with their values ``before``, which refer to records that no longer exist.
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
