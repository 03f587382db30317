"""What a revert with each conflict policy would do, found by the statements that a revert runs.

They mark in the change log what the policy keeps; the caller rolls that back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from importsvc.changelog.models import KEPT, Change
from importsvc.engine.revert.changes import TypeChanges, count_records, read_type_changes
from importsvc.engine.revert.conflict_policy import mark_kept
from importsvc.engine.revert.preview import UndoPreview
from importsvc.engine.revert.revert import UndoReport, make_report

# The number of records that ``keep`` keeps up to which ``discard`` looks only at these.
NARROWED_TO = 100_000


class PolicyPreview:
    """The revert of an import up to the moment when what it keeps is marked.

    The caller has called ``force_generic_plans``, and rolls back what each method marks before it calls another one.

    Attributes:
        preview: of the same import; ``read_kept`` and ``count_edits`` read what is marked.
    """

    def __init__(self, *, organization_id: int, import_id: int) -> None:
        """Count the records that still exist.

        Raises:
            UnknownTypeError: the change log names a type that is no longer registered.
        """
        self.preview = UndoPreview(organization_id=organization_id, import_id=import_id)
        self._logged = Change.objects.of_import(organization_id=organization_id, import_id=import_id)
        self._all_changes = read_type_changes(organization_id=organization_id, import_id=import_id)
        self._left = [
            {action: count_records(changes) for action, changes in each.by_action.items()} for each in self._all_changes
        ]
        self._kept: Mapping[str, Sequence[int]] | None = None

    def mark_keep(self) -> UndoReport:
        """Mark what ``keep`` keeps; returns what it would do."""
        mark_kept(self._all_changes, discarding=False)
        report = make_report(self._all_changes, self._left, any_kept=True)
        if sum(report.kept.values()) <= NARROWED_TO:
            kept = defaultdict(list)
            for record_type, record_id in self._logged.filter(outcome=KEPT).values_list("record_type", "record_id"):
                kept[record_type].append(record_id)
            self._kept = kept
        return report

    def mark_discard(self) -> UndoReport:
        """Likewise of ``discard``, which keeps nothing that ``keep`` does not keep; called after ``mark_keep``."""
        mark_kept([self._narrow(each) for each in self._all_changes], discarding=True)
        return make_report(self._all_changes, self._left, any_kept=True)

    def _narrow(self, of_type: TypeChanges) -> TypeChanges:
        """The changes of a type to records that ``keep`` keeps."""
        if self._kept is None:
            return of_type
        ids = self._kept.get(of_type.importable.name, [])
        by_action = {action: replace(changes, record_ids=ids) for action, changes in of_type.by_action.items()}
        return of_type._replace(by_action=by_action, counts=dict.fromkeys(by_action, len(ids)))
