"""What a revert with each conflict policy would do, found by the statements that a revert runs.

They mark in the change log what the policy keeps; the caller rolls that back.
"""

from __future__ import annotations

from importsvc.engine.revert.changes import TypeChanges, count_records, read_type_changes
from importsvc.engine.revert.conflict_policy import mark_kept
from importsvc.engine.revert.preview import UndoPreview
from importsvc.engine.revert.revert import OnConflict, make_report


class MarkedRevert:
    """The revert of an import up to the moment when what it keeps is marked.

    Attributes:
        report: what the revert would do.
        preview: of the same import; ``read_kept`` and ``count_edits`` read what is marked.
    """

    def __init__(self, *, organization_id: int, import_id: int, on_conflict: OnConflict) -> None:
        """Mark what the policy keeps. The caller has called ``force_generic_plans``, and rolls its transaction back.

        Raises:
            UnknownTypeError: the change log names a type that is no longer registered.
        """
        all_changes = read_type_changes(organization_id=organization_id, import_id=import_id)
        left = [_count_left(each) for each in all_changes]
        if on_conflict != "refuse":
            mark_kept(all_changes, discarding=on_conflict == "discard")
        self.report = make_report(all_changes, left, any_kept=on_conflict != "refuse")
        self.preview = UndoPreview(organization_id=organization_id, import_id=import_id)


def _count_left(of_type: TypeChanges) -> dict[str, int]:
    return {action: count_records(changes) for action, changes in of_type.by_action.items()}
