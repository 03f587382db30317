"""What running an import would do now."""

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


class _Changes(Sequence[PlannedChange]):
    """The changes that rows would make, planned anew up to the last one of a slice whenever one is taken."""

    def __init__(self, rows: ImportRows, options: PlanOptions, defaults: Defaults, count: int) -> None:
        self._rows = rows
        self._options = options
        self._defaults = defaults
        self._count = count

    def __len__(self) -> int:
        """How many there are."""
        return self._count

    @overload
    def __getitem__(self, index: int) -> PlannedChange: ...

    @overload
    def __getitem__(self, index: slice) -> list[PlannedChange]: ...

    def __getitem__(self, index: int | slice) -> PlannedChange | list[PlannedChange]:
        """A change, or those of a slice."""
        places = range(self._count)[index]
        if isinstance(places, int):
            return next(islice(self, places, None))
        return list(islice(self, places.start, places.stop, places.step))

    def __iter__(self) -> Iterator[PlannedChange]:
        """All of them, type by type."""
        for step in plan_chunks(self._rows, self._options):
            planned = step.planned
            differences = read_differences(
                self._options.organization_id, planned.importable, planned.given, self._defaults
            )
            yield from describe_changes(planned, differences, self._defaults)


def preview_import(*, organization: Organization, import_id: int) -> ImportPreview:
    """Plan what running an import would do now, without a lock and without writing anything.

    Raises:
        RecordNotFound, WrongState, ImportDataInvalid: what running would be refused with as well.
    """
    import_ = find_import(import_id=import_id, organization=organization)
    require_state(import_, ImportState.CREATED, "imported")
    options = PlanOptions(organization.pk, get_on_duplicate(import_))
    preview, tag = _preview(StagedRows(organization.pk, import_id), options, Defaults(organization))
    return ImportPreview(preview.counts, preview.refusal, preview.changes, import_, tag)


def preview_rows(
    *,
    organization: Organization,
    import_data: object,
    on_duplicate: OnDuplicate = "error",
    progress: Progress | None = None,
    on_errors: OnErrors | None = None,
) -> RowsPreview:
    """Plan what importing rows would do now, without staging them, without a lock and without writing anything.

    ``progress`` is told how many rows have been read and checked, ``on_errors`` what is wrong with them.

    Raises:
        ImportDataInvalid: what creating an import of them would be refused with as well.
    """
    options = PlanOptions(organization.pk, on_duplicate, progress=progress, on_errors=on_errors)
    return _preview(require_rows(import_data), options, Defaults(organization))[0]


def _preview(rows: ImportRows, options: PlanOptions, defaults: Defaults) -> tuple[RowsPreview, str]:
    report, etag = Report(rows.types), PlanEtag(options.organization_id)
    for step in plan_chunks(rows, options):
        # Before the records are compared: what is written meanwhile then makes this an old tag.
        etag.add(step.chunk, step.lookups)
        planned = step.planned
        report.add_errors(planned)
        if not report.errors:
            differences = read_differences(options.organization_id, planned.importable, planned.given, defaults)
            report.add_counts(planned.importable.name, count_rows(planned, differences))
    tag = finish_etag(etag, options, defaults)
    try:
        report.require_valid()
    except RowsInvalid as refusal:
        nothing = dict.fromkeys(("created", "updated", "unchanged", "skipped"), 0)
        return RowsPreview(dict.fromkeys(report.submitted, nothing), refusal, ()), tag
    count = sum(of_type["created"] + of_type["updated"] for of_type in report.counts.values())
    silent = PlanOptions(options.organization_id, options.on_duplicate)
    return RowsPreview(report.counts, None, _Changes(rows, silent, defaults, count)), tag
