"""Previews of imports: what running them would do now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import overload

from importsvc.engine.apply.write import count_rows
from importsvc.engine.plan.diff import read_differences
from importsvc.engine.plan.etag import PlanEtag
from importsvc.engine.plan.plan import OnDuplicate
from importsvc.engine.plan.preview import PlannedChange, describe_changes
from importsvc.engine.schema.defaults import Defaults
from importsvc.imports.errors import RowsInvalid
from importsvc.imports.models import Import, ImportState
from importsvc.imports.rows import ImportRows, require_rows
from importsvc.imports.services.planning import (
    OnErrors,
    PlanOptions,
    Progress,
    Report,
    finish_etag,
    get_on_duplicate,
    plan_chunks,
)
from importsvc.imports.services.reverting import find_import
from importsvc.imports.services.transactions import require_state
from importsvc.imports.staging import StagedRows
from organizations.models import Organization

__all__ = ["ImportPreview", "PlannedChange", "RowsPreview", "preview_import", "preview_rows"]


@dataclass(frozen=True)
class RowsPreview:
    """What importing rows would do.

    Attributes:
        counts: by type, the numbers of rows that would be ``created``, ``updated``, ``unchanged`` and ``skipped``; all
            are 0 if there are row errors.
        refusal: the row errors as the exception that running would raise; ``None`` without errors.
        changes: the changes in the order of the change log; empty if there are row errors.
    """

    counts: Mapping[str, Mapping[str, int]]
    refusal: RowsInvalid | None
    changes: Sequence[PlannedChange]


@dataclass(frozen=True)
class ImportPreview(RowsPreview):
    """What running an import would do.

    Attributes:
        import_: the import.
        etag: of the preview. With it in ``if_match``, ``run_import`` does what the preview shows or nothing.
    """

    import_: Import
    etag: str


class _Changes(Sequence[PlannedChange]):
    """The changes that rows would make. Each slice plans the rows again, up to its last change."""

    def __init__(self, rows: ImportRows, options: PlanOptions, defaults: Defaults, count: int) -> None:
        self._rows = rows
        self._options = options
        self._defaults = defaults
        self._count = count

    def __len__(self) -> int:
        """The number of changes."""
        return self._count

    @overload
    def __getitem__(self, index: int) -> PlannedChange: ...

    @overload
    def __getitem__(self, index: slice) -> list[PlannedChange]: ...

    def __getitem__(self, index: int | slice) -> PlannedChange | list[PlannedChange]:
        """A change, or the changes of a slice."""
        places = range(self._count)[index]
        if isinstance(places, int):
            return next(islice(self, places, None))
        return list(islice(self, places.start, places.stop, places.step))

    def __iter__(self) -> Iterator[PlannedChange]:
        """All changes, type by type."""
        for step in plan_chunks(self._rows, self._options):
            planned = step.planned
            differences = read_differences(
                self._options.organization_id, planned.importable, planned.given, self._defaults
            )
            yield from describe_changes(planned, differences, self._defaults)


def preview_import(*, organization: Organization, import_id: int) -> ImportPreview:
    """Plan what running an import would do now, without locks and without writing.

    Raises:
        RecordNotFound, WrongState, ImportDataInvalid: as ``run_import`` does.
    """
    import_ = find_import(import_id=import_id, organization=organization)
    require_state(import_, ImportState.CREATED, "imported")
    options = PlanOptions(organization.pk, get_on_duplicate(import_))
    preview, etag = _preview(StagedRows(organization.pk, import_id), options, Defaults(organization))
    return ImportPreview(preview.counts, preview.refusal, preview.changes, import_, etag)


def preview_rows(
    *,
    organization: Organization,
    import_data: object,
    on_duplicate: OnDuplicate = "error",
    progress: Progress | None = None,
    on_errors: OnErrors | None = None,
) -> RowsPreview:
    """Plan what importing rows would do now, without staging them, without locks and without writing.

    Args:
        organization: of the records.
        import_data: the rows.
        on_duplicate: what becomes of rows that match existing records.
        progress: called with the numbers of rows that have been read and checked.
        on_errors: called with the row errors of each chunk.

    Raises:
        ImportDataInvalid: as ``create_import`` does.
    """
    options = PlanOptions(organization.pk, on_duplicate, progress=progress, on_errors=on_errors)
    return _preview(require_rows(import_data), options, Defaults(organization))[0]


def _preview(rows: ImportRows, options: PlanOptions, defaults: Defaults) -> tuple[RowsPreview, str]:
    report, plan_etag = Report(rows.types), PlanEtag(options.organization_id)
    for step in plan_chunks(rows, options):
        # Before the records are compared: if another transaction writes in between, the ETag is outdated.
        plan_etag.add(step.chunk, step.lookups)
        planned = step.planned
        report.add_errors(planned)
        if not report.errors:
            differences = read_differences(options.organization_id, planned.importable, planned.given, defaults)
            report.add_counts(planned.importable.name, count_rows(planned, differences))
    etag = finish_etag(plan_etag, options, defaults)
    try:
        report.require_valid()
    except RowsInvalid as refusal:
        nothing = dict.fromkeys(("created", "updated", "unchanged", "skipped"), 0)
        return RowsPreview(dict.fromkeys(report.submitted, nothing), refusal, ()), etag
    count = sum(of_type["created"] + of_type["updated"] for of_type in report.counts.values())
    silent = PlanOptions(options.organization_id, options.on_duplicate)
    return RowsPreview(report.counts, None, _Changes(rows, silent, defaults, count)), etag
