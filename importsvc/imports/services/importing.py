"""Runs imports: their rows become records."""

from __future__ import annotations

import time
from collections.abc import Collection
from itertools import count
from types import EllipsisType

from django.utils import timezone

from importsvc.engine.apply.write import RecordWriter
from importsvc.engine.plan.plan import OnDuplicate
from importsvc.engine.schema import registry
from importsvc.engine.schema.defaults import Defaults
from importsvc.imports.actors import Actor
from importsvc.imports.models import Import, ImportState, OnRowError
from importsvc.imports.rows import ImportRows, require_rows
from importsvc.imports.services.planning import (
    Counts,
    OnErrors,
    PlanOptions,
    Report,
    find_referenced,
    get_options,
    make_etag,
    plan_chunks,
)
from importsvc.imports.services.preconditions import needs_tag, require_tag
from importsvc.imports.services.progress import AttemptProgress, Progress
from importsvc.imports.services.refusals import clear_refusal
from importsvc.imports.services.row_errors import ErrorRecorder
from importsvc.imports.services.transactions import (
    attempt,
    lock_import,
    lock_organization,
    log_after_commit,
    require_rows_kept,
    require_state,
    save_fields,
    vacuum_after_commit,
)
from importsvc.imports.staging import StagedRows, store_rows
from importsvc.postgres.write_conflicts import AnotherAttempt
from importsvc.webhooks.events import Event, describe_import
from importsvc.webhooks.services import record_event
from organizations.models import Organization


def run_import(
    *,
    organization: Organization,
    import_id: int,
    import_data: object = None,
    on_duplicate: OnDuplicate | None = None,
    match_by: str | EllipsisType | None = ...,
    on_row_error: str | None = None,
    if_match: Collection[str] | None = None,
    actor: Actor | None = None,
    progress: Progress | None = None,
    on_errors: OnErrors | None = None,
) -> Import:
    """Write the rows as records, all in one transaction. With an error nothing is written.

    If ``on_row_error`` is ``skip``, rows with errors are left out, and so are those that refer to them; the errors are
    stored. Nothing is written if no row is left.

    Args:
        organization: that the import belongs to.
        import_id: the import.
        import_data: rows that replace the staged ones in the same transaction; ``None`` keeps the staged ones.
        on_duplicate: replaces the import's ``on_duplicate``; ``None`` keeps it.
        match_by: replaces the import's ``match_by``; ``...`` keeps it.
        on_row_error: replaces the import's ``on_row_error``; ``None`` keeps it.
        if_match: ETags of previews, one of which must be the current one; ``*`` stands for any.
        actor: the person or operator that runs the import.
        progress: called with the numbers of rows that have been read, checked and written.
        on_errors: called with the row errors of each chunk.

    Raises:
        RecordNotFound, WrongState, ImportPruned, ImportDataInvalid, RowsInvalid: nothing is changed.
        PreconditionFailed: the result would differ from the previews. Nothing is changed.
        ImportInUse: another transaction updates, runs or reverts the import.
        Busy, Unavailable: other transactions wrote the same records during each attempt, or held locks for too long. A
            later call may succeed.
    """
    reported = AttemptProgress(progress)
    began = time.perf_counter()
    attempts = count(1)

    def run() -> Import:
        reported.start_again()
        import_ = lock_import(organization, import_id)
        require_state(import_, ImportState.CREATED, "imported")
        if import_data is None:
            require_rows_kept(import_)
        started_at = timezone.now()
        # Read again under the lock: its defaults may have changed since the request was authenticated.
        import_.organization = lock_organization(organization)
        import_.on_duplicate = on_duplicate or import_.on_duplicate
        import_.match_by = import_.match_by if match_by is ... else match_by
        import_.on_row_error = on_row_error or import_.on_row_error
        import_.processed_by = actor and actor.to_json()
        rows = StagedRows(organization.pk, import_id) if import_data is None else require_rows(import_data)
        defaults = Defaults(import_.organization)
        options = get_options(import_, lock=True)
        if needs_tag(if_match):
            require_tag(if_match, lambda: make_etag(rows, options, defaults))
        # Most imports have no value that is taken. A second attempt finds all row errors of one that has.
        options.trusts_constraints = next(attempts) == 1 and not options.leaves_out_errors
        options.progress, options.on_errors = reported, None if options.trusts_constraints else on_errors
        errors = ErrorRecorder(import_)
        import_.counts = _write(import_, rows, options, defaults, reported, errors)
        if import_.on_row_error == OnRowError.REFUSE:
            import_.error_count = None
        else:
            import_.error_count = errors.error_count
        if import_data is not None:  # after the rows were checked: text that PostgreSQL cannot store is a row error
            store_rows(import_, rows, may_have_errors=options.leaves_out_errors)
        import_.shared_values = defaults.describe()
        import_.started_at = started_at
        # A clock that is set back must not make ``processed_at`` earlier than ``started_at``.
        import_.processed_at = max(timezone.now(), started_at)
        import_.pruned_at = None
        stamps = ("started_at", "processed_at", "pruned_at")
        chosen = ("on_duplicate", "match_by", "on_row_error")
        save_fields(import_, *stamps, *chosen, "shared_values", "error_count", "counts", "processed_by")
        clear_refusal(import_)
        vacuum_after_commit({name: of["created"] + of["updated"] for name, of in import_.counts.items()})
        record_event(
            organization_id=organization.pk,
            event=Event.IMPORT_PROCESSED,
            data=describe_import(import_id, import_.counts),
        )
        outcomes = dict.fromkeys(outcome for of in import_.counts.values() for outcome in of)
        counts = {outcome: sum(of[outcome] for of in import_.counts.values()) for outcome in outcomes}
        log_after_commit("was run", import_=import_, began=began, counts=counts)
        return import_

    return attempt(run)


def _write(
    import_: Import,
    rows: ImportRows,
    options: PlanOptions,
    defaults: Defaults,
    progress: Progress,
    recorder: ErrorRecorder,
) -> Counts:
    """Write the rows chunk by chunk, and return the counts by type.

    Rows with errors are left out and their errors recorded, if the options say so; otherwise the rest is only checked
    after an error.

    Raises:
        AnotherAttempt: rows have errors, and constraints were trusted: further errors were not looked for.
        RowsInvalid: has all row errors. The caller rolls back the chunks before them.
    """
    report = Report(rows.types)
    writer = RecordWriter(
        organization=import_.organization,
        import_id=import_.pk,
        defaults=defaults,
        referenced=find_referenced(registry.in_dependency_order()),
    )
    for step in plan_chunks(rows, options):
        report.add(step.planned)
        if options.leaves_out_errors:
            recorder.add(step)
        elif report.errors:
            if options.trusts_constraints:
                raise AnotherAttempt
            continue
        report.add_counts(step.planned, writer.write(step.planned, meanwhile=step.prepare_next), options)
        progress("written", step.chunk.row_count)
    if options.leaves_out_errors:
        report.require_rows_without_errors()
    else:
        report.require_valid()
    writer.finish()
    return report.counts
