"""What running an import would do now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from importsvc.engine.plan.diff import count_rows, read_differences
from importsvc.engine.plan.plan import OnDuplicate
from importsvc.engine.plan.preview import PlannedChange, PlannedChanges
from importsvc.engine.schema.defaults import Defaults
from importsvc.imports.errors import RowsInvalid
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services.planning import Planned, Progress, get_on_duplicate, plan_rows
from importsvc.imports.services.reverting import find_import
from importsvc.imports.services.transactions import require_state
from importsvc.imports.staging import read_import_data
from organizations.models import Organization

__all__ = ["ImportPreview", "PlannedChange", "RowsPreview", "preview_import", "preview_rows"]


@dataclass(frozen=True)
class RowsPreview:
    """What importing rows would do.

    Attributes:
        counts: how many rows of each type would be created, updated, unchanged and skipped; all are 0 if any is wrong.
        refusal: what running would be refused with, if any row is wrong.
        changes: what the change log would have, in its order; empty if any row is wrong.
    """

    counts: Mapping[str, Mapping[str, int]]
    refusal: RowsInvalid | None
    changes: Sequence[PlannedChange]


@dataclass(frozen=True)
class ImportPreview(RowsPreview):
    """What running an import would do.

    Attributes:
        import_: which import.
        tag: given to ``run_import`` as ``if_match``, it does what is shown here, or nothing.
    """

    import_: Import
    tag: str


def preview_import(*, organization: Organization, import_id: int) -> ImportPreview:
    """Plan what running an import would do now, without a lock and without writing anything.

    Raises:
        RecordNotFound, WrongState, ImportDataInvalid: what running would be refused with as well.
    """
    import_ = find_import(import_id=import_id, organization=organization)
    require_state(import_, ImportState.CREATED, "imported")
    defaults = Defaults(organization)
    on_duplicate = get_on_duplicate(import_)
    planned = plan_rows(organization, read_import_data(import_id), on_duplicate=on_duplicate, tagged_with=defaults)
    preview = _preview(planned, defaults)
    return ImportPreview(preview.counts, preview.refusal, preview.changes, import_, str(planned.tag))


def preview_rows(
    *,
    organization: Organization,
    import_data: object,
    on_duplicate: OnDuplicate = "error",
    progress: Progress | None = None,
) -> RowsPreview:
    """Plan what importing rows would do now, without staging them, without a lock and without writing anything.

    ``progress`` is told how many rows have been read and checked.

    Raises:
        ImportDataInvalid: what creating an import of them would be refused with as well.
    """
    planned = plan_rows(organization, import_data, on_duplicate=on_duplicate, progress=progress)
    return _preview(planned, Defaults(organization))


def _preview(planned: Planned, defaults: Defaults) -> RowsPreview:
    try:
        plan = planned.require_valid()
    except RowsInvalid as refusal:
        nothing = dict.fromkeys(("created", "updated", "unchanged", "skipped"), 0)
        return RowsPreview(dict.fromkeys(planned.plan.submitted, nothing), refusal, ())
    differences = read_differences(plan, defaults)
    return RowsPreview(count_rows(plan, differences), None, PlannedChanges(plan, differences, defaults))
