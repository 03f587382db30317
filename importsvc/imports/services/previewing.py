"""What running an import would do now, and what reverting one would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast, overload

from importsvc.engine.defaults import Defaults
from importsvc.engine.differences import count_rows, read_differences
from importsvc.engine.plan import OnDuplicate
from importsvc.engine.planned_changes import PlannedChange, PlannedChanges
from importsvc.engine.undo import UnknownTypeError
from importsvc.engine.undo_preview import Undoing, count_outcomes, list_changes, make_undo_tag, preview_changes
from importsvc.imports.errors import RowsInvalid
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services.planning import plan_rows
from importsvc.imports.services.reverting import find_import, unknown_type
from importsvc.imports.services.transactions import require_state
from organizations.models import Organization

__all__ = ["ImportPreview", "PlannedChange", "RevertPreview", "Undoing", "preview_import", "preview_revert"]


class UndoneChanges(Sequence[Undoing]):
    """What would become of every change of an import, in the journal's order; judged when a slice is asked for."""

    def __init__(self, import_id: int, count: int) -> None:
        """``count`` is of all changes."""
        self._import_id = import_id
        self._count = count

    def __len__(self) -> int:
        """How many changes there are."""
        return self._count

    @overload
    def __getitem__(self, index: int) -> Undoing: ...

    @overload
    def __getitem__(self, index: slice) -> list[Undoing]: ...

    def __getitem__(self, index: int | slice) -> Undoing | list[Undoing]:
        """A change, or those of a slice."""
        places = range(self._count)[index]
        if isinstance(places, int):
            return self[places : places + 1][0]
        return preview_changes(self._import_id, list_changes(self._import_id)[places.start : places.stop])


@dataclass(frozen=True)
class RevertPreview:
    """What reverting an import would do.

    Attributes:
        import_: which import.
        tag: given to ``revert_import`` as ``if_match``, it undoes what is shown here, or nothing.
        counts: by importable name, how many records would be removed, restored, or be a conflict, or are gone.
        changes: what would become of each change.
    """

    import_: Import
    tag: str
    counts: Mapping[str, Mapping[str, int]]
    changes: Sequence[Undoing]


@dataclass(frozen=True)
class ImportPreview:
    """What running an import would do.

    Attributes:
        import_: which import.
        tag: given to ``run_import`` as ``if_match``, it does what is shown here, or nothing.
        counts: how many rows of each type would be created, updated, unchanged and skipped; all are 0 if any is wrong.
        refusal: what running would be refused with, if any row is wrong.
        changes: what the journal would say, in its order; empty if any row is wrong.
    """

    import_: Import
    tag: str
    counts: Mapping[str, Mapping[str, int]]
    refusal: RowsInvalid | None
    changes: Sequence[PlannedChange]


def preview_import(*, organization: Organization, import_id: int) -> ImportPreview:
    """Plan what running an import would do now, without a lock and without writing anything.

    Raises:
        RecordNotFound, WrongState, ImportDataInvalid: what running would be refused with as well.
    """
    import_ = find_import(import_id=import_id, organization=organization)
    require_state(import_, ImportState.CREATED, "imported")
    defaults = Defaults(organization)
    on_duplicate = cast("OnDuplicate", import_.on_duplicate)
    planned = plan_rows(organization, import_.import_data, on_duplicate=on_duplicate, tagged_with=defaults)
    tag = str(planned.tag)
    try:
        plan = planned.require_valid()
    except RowsInvalid as refusal:
        nothing = dict.fromkeys(("created", "updated", "unchanged", "skipped"), 0)
        return ImportPreview(import_, tag, dict.fromkeys(planned.plan.submitted, nothing), refusal, ())
    differences = read_differences(plan, defaults)
    changes = PlannedChanges(plan, differences, defaults)
    return ImportPreview(import_, tag, count_rows(plan, differences), None, changes)


def preview_revert(*, organization: Organization, import_id: int) -> RevertPreview:
    """What reverting an import would do now, without a lock and without writing anything.

    Raises:
        RecordNotFound, WrongState, Conflict: what reverting would be refused with as well.
    """
    import_ = find_import(import_id=import_id, organization=organization)
    require_state(import_, ImportState.PROCESSED, "reverted")
    try:
        # First: an edit between the two makes the tag one of what was before.
        tag = make_undo_tag(import_id)
        counts = count_outcomes(import_id)
    except UnknownTypeError as error:
        raise unknown_type(error) from None
    total = sum(sum(of_type.values()) for of_type in counts.values())
    return RevertPreview(import_, tag, counts, UndoneChanges(import_id, total))
