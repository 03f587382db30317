"""Previews of imports: what running them would do now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from importsvc.engine.apply.write import count_rows
from importsvc.engine.plan.diff import Diff, read_diffs
from importsvc.engine.plan.etag import PlanEtag
from importsvc.engine.plan.plan import OnDuplicate, PlannedChunk
from importsvc.engine.plan.preview import PlannedChange, describe_changes
from importsvc.engine.schema.defaults import Defaults
from importsvc.imports.errors import RowsInvalid
from importsvc.imports.models import ImportState, OnRowError
from importsvc.imports.rows import ImportRows, require_rows
from importsvc.imports.services.planning import (
    OnErrors,
    PlanOptions,
    Report,
    finish_etag,
    get_options,
    plan_chunks,
)
from importsvc.imports.services.progress import Progress
from importsvc.imports.services.reverting import find_import
from importsvc.imports.services.transactions import require_rows_kept, require_state
from importsvc.imports.staging import StagedRows
from organizations.models import Organization


@dataclass(frozen=True)
class PlannedChanges:
    """The changes that rows would make, in the order of the change log; ``count`` is their number."""

    rows: ImportRows
    options: PlanOptions
    defaults: Defaults
    count: int

    def __len__(self) -> int:
        """The number of changes."""
        return self.count

    def __getitem__(self, part: slice) -> list[PlannedChange]:
        """The changes of a slice. The rows are planned again, up to the last of them."""
        places = range(self.count)[part]
        return list(islice(self._plan(), places.start, places.stop, places.step))

    def _plan(self) -> Iterator[PlannedChange]:
        for step in plan_chunks(self.rows, self.options):
            diffs = _compare(step.planned, self.options, self.defaults)
            yield from describe_changes(step.planned, diffs, self.defaults)


@dataclass(frozen=True)
class ImportPreview:
    """What running an import would do.

    Attributes:
        counts: by type, the numbers of rows that would be ``created``, ``updated``, ``unchanged`` and ``skipped``, and
            ``refused`` if rows with errors are left out; all are 0 if running would be refused.
        refusal: the row errors as the exception that running would raise; ``None`` if it would raise none.
        errors: all row errors, also those of rows that would be left out; ``None`` without errors.
        changes: the changes; none if there are row errors.
        without_key: by type, the number of rows without a value of the match key. Each time that they come they create
            records again. All are 0 if running would be refused; ``None`` if ``on_duplicate`` is ``error``.
        etag: of the preview. With it in ``if_match``, ``run_import`` does what the preview shows or nothing.
    """

    counts: Mapping[str, Mapping[str, int]]
    refusal: RowsInvalid | None
    errors: RowsInvalid | None
    changes: PlannedChanges
    without_key: Mapping[str, int] | None
    etag: str


def preview_import(*, organization: Organization, import_id: int, progress: Progress | None = None) -> ImportPreview:
    """Plan what running an import would do now, without locks and without writing.

    ``progress`` is called with the numbers of rows that have been read and checked.

    Raises:
        RecordNotFound, WrongState, ImportPruned, ImportDataInvalid: as ``run_import`` does.
    """
    import_ = find_import(import_id=import_id, organization=organization)
    require_state(import_, ImportState.CREATED, "imported")
    require_rows_kept(import_)
    options = get_options(import_, progress=progress)
    return _preview(StagedRows(organization.pk, import_id), options, Defaults(organization))


def preview_rows(
    *,
    organization: Organization,
    import_data: object,
    on_duplicate: OnDuplicate = "error",
    match_by: str | None = None,
    on_row_error: str = OnRowError.REFUSE,
    derived_types: Sequence[str] = (),
    progress: Progress | None = None,
    on_errors: OnErrors | None = None,
) -> ImportPreview:
    """Plan what importing rows would do now, without staging them, without locks and without writing.

    Args:
        organization: of the records.
        import_data: the rows.
        on_duplicate: what becomes of rows that match existing records.
        match_by, on_row_error, derived_types: as for ``create_import``.
        progress: called with the numbers of rows that have been read and checked.
        on_errors: called with the row errors of each chunk.

    Raises:
        ImportDataInvalid: as ``create_import`` does.
    """
    options = PlanOptions(
        organization.pk,
        on_duplicate,
        match_by,
        derived_types=derived_types,
        leaves_out_errors=on_row_error == OnRowError.SKIP,
        progress=progress,
        on_errors=on_errors,
    )
    return _preview(require_rows(import_data), options, Defaults(organization))


def _preview(rows: ImportRows, options: PlanOptions, defaults: Defaults) -> ImportPreview:
    report, plan_etag = Report(rows.types), PlanEtag(options.organization_id)
    for step in plan_chunks(rows, options):
        # Before the records are compared: if another transaction writes in between, the ETag is outdated.
        plan_etag.add(step.chunk, step.lookups)
        planned = step.planned
        report.add(planned)
        if options.leaves_out_errors or not report.errors:
            diffs = _compare(planned, options, defaults)
            report.add_counts(planned, count_rows(planned, diffs), options)
    refusal, counts, without_key = None, report.counts, report.without_key
    try:
        if options.leaves_out_errors:
            report.require_rows_without_errors()
        else:
            report.require_valid()
    except RowsInvalid as invalid:
        refusal = invalid
        counts = {name: dict.fromkeys(("created", "updated", "unchanged", "skipped"), 0) for name in report.submitted}
        without_key = dict.fromkeys(report.submitted, 0)
    count = sum(of_type["created"] + of_type["updated"] for of_type in counts.values())
    changes = PlannedChanges(rows, replace(options, progress=None, on_errors=None), defaults, count)
    return ImportPreview(
        counts=counts,
        refusal=refusal,
        errors=report.invalid,
        changes=changes,
        without_key=None if options.on_duplicate == "error" else without_key,
        etag=finish_etag(plan_etag, options, defaults),
    )


def _compare(planned: PlannedChunk, options: PlanOptions, defaults: Defaults) -> list[Diff]:
    return read_diffs(options.organization_id, planned.importable, planned.given, defaults)
