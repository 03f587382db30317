"""Reverts of imports, and their previews."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import DataError, IntegrityError, transaction
from django.utils import timezone

from importsvc.engine.revert.changes import UnknownTypeError
from importsvc.engine.revert.preview import UndoPreview, make_etag
from importsvc.engine.revert.revert import OnConflict, UndoReport, undo
from importsvc.errors import Conflict, RecordNotFound
from importsvc.imports.actors import Actor
from importsvc.imports.errors import RevertConflict
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services.preconditions import require_tag
from importsvc.imports.services.progress import AttemptProgress, Progress
from importsvc.imports.services.transactions import (
    attempt,
    lock_import,
    lock_organization,
    log_after_commit,
    require_rows_kept,
    require_state,
    vacuum_after_commit,
)
from importsvc.postgres.plan_cache import force_generic_plans
from importsvc.postgres.write_conflicts import is_write_conflict
from importsvc.webhooks.events import Event, describe_import
from importsvc.webhooks.services import record_event
from organizations.models import Organization


@dataclass(frozen=True)
class RevertPreview:
    """What reverting an import would do now.

    Attributes:
        etag: of the preview; ``revert_import`` takes it in ``if_match``.
        counts: by importable name, the numbers of records that would be ``removed`` and ``restored``, are in
            ``conflict``, and are ``gone``: ``{"company": {"removed": 1, "restored": 0, "conflict": 0, "gone": 0}}``.
        changes: what would become of each record, in the order of the change log; each slice is read when it is taken.
    """

    etag: str
    counts: Mapping[str, Mapping[str, int]]
    changes: UndoPreview

    def find_conflicts(self) -> RevertConflict | None:
        """Read the conflicts, as the exception of a revert with the policy ``refuse``; ``None`` if there are none."""
        if not any(of_type["conflict"] for of_type in self.counts.values()):
            return None
        with transaction.atomic():
            force_generic_plans()
            report = self.changes.report_conflicts()
        return RevertConflict(report) if report.conflict_count else None


def revert_import(
    *,
    organization: Organization,
    import_id: int,
    on_conflict: OnConflict = "refuse",
    if_match: Collection[str] | None = None,
    actor: Actor | None = None,
    progress: Progress | None = None,
) -> UndoReport:
    """Undo exactly what an import did, in one transaction, or change nothing (contract, section 2.7).

    Args:
        organization: of the import.
        import_id: the import.
        on_conflict: what becomes of records that were changed or referred to since: ``refuse`` reverts nothing,
            ``keep`` keeps them, ``discard`` also undoes later changes (docs/reverting.md).
        if_match: ETags of previews, one of which must be the current one; ``*`` stands for any.
        actor: that reverts the import.
        progress: called with the numbers of changes that have been read, checked and undone.

    Raises:
        RecordNotFound, WrongState, ImportPruned: the import does not exist, is not processed, or has no change log.
        PreconditionFailed: a record has been written since the previews.
        RevertConflict: records were changed or referred to since; ``meta`` lists the conflicts.
        Conflict: a type is no longer registered, or the database no longer accepts former values.
        ImportInUse, Busy, Unavailable: as ``run_import`` does.
    """
    began = time.perf_counter()

    reported = AttemptProgress(progress)

    def revert() -> UndoReport:
        reported.start_again()
        import_ = lock_import(organization, import_id)
        require_state(import_, ImportState.PROCESSED, "reverted")
        require_rows_kept(import_)
        assert import_.processed_at  # noqa: S101 - by its state
        lock_organization(organization)
        with convert_errors():
            report = undo(
                organization_id=organization.pk,
                import_id=import_id,
                on_conflict=on_conflict,
                check=lambda: require_tag(if_match, lambda: make_import_etag(import_)),
                progress=reported,
            )
        if report.conflict_count:
            raise RevertConflict(report)
        counts_by_type = _count_by_type(report)
        Import.objects.for_organization(organization).filter(pk=import_id).update(
            reverted_at=max(timezone.now(), import_.processed_at),
            reverted_by=actor.to_json() if actor else None,
            reverted_with=on_conflict,
            revert_counts=counts_by_type,
        )
        vacuum_after_commit({name: count + report.restored[name] for name, count in report.removed.items()})
        record_event(
            organization_id=organization.pk,
            event=Event.IMPORT_REVERTED,
            data=describe_import(import_id, counts_by_type),
        )
        outcomes = {"removed": report.removed, "restored": report.restored, "kept": report.kept, "gone": report.gone}
        counts = {outcome: sum(of_types.values()) for outcome, of_types in outcomes.items()}
        log_after_commit("was reverted", import_=import_, began=began, counts=counts)
        return report

    return attempt(revert)


def _count_by_type(report: UndoReport) -> dict[str, dict[str, int]]:
    """``{"company": {"removed": 1, "restored": 0, "kept": 0, "gone": 0}}``, for the types that the revert met."""
    by_outcome = {"removed": report.removed, "restored": report.restored, "kept": report.kept, "gone": report.gone}
    types = sorted({name for counts in by_outcome.values() for name in counts})
    return {name: {outcome: counts.get(name, 0) for outcome, counts in by_outcome.items()} for name in types}


def preview_revert(*, organization: Organization, import_id: int) -> RevertPreview:
    """Read what reverting an import would do, without locks and without writing.

    Raises:
        RecordNotFound, WrongState, ImportPruned: as ``revert_import`` does.
        Conflict: a type is no longer registered.
    """
    import_ = find_import(import_id=import_id, organization=organization)
    require_state(import_, ImportState.PROCESSED, "reverted")
    require_rows_kept(import_)
    with convert_errors(), transaction.atomic():
        force_generic_plans()
        # Before anything else is read: if another transaction writes in between, the ETag is outdated.
        etag = make_import_etag(import_)
        changes = UndoPreview(organization_id=organization.pk, import_id=import_id)
        return RevertPreview(etag, changes.count_outcomes(), changes)


def find_import(*, import_id: int, organization: Organization | None = None) -> Import:
    """An import of the organization; without ``organization``, of any.

    Raises:
        RecordNotFound: there is none.
    """
    imports = Import.objects.select_related("organization")
    if organization is not None:
        imports = imports.for_organization(organization)
    import_ = imports.filter(pk=import_id).first()
    if import_ is None:
        raise RecordNotFound
    return import_


@contextmanager
def convert_errors() -> Iterator[None]:
    """Raise ``Conflict`` for errors of the engine and the database that no other attempt can avoid."""
    try:
        yield
    except UnknownTypeError as error:
        raise Conflict(f"Records of type '{error}' cannot be imported or reverted any more") from None
    except (DataError, IntegrityError) as error:
        if is_write_conflict(error):
            raise
        # The table has changed since the import: a column's type, a constraint, NOT NULL.
        raise Conflict("The database does not accept values any more that were there before the import") from error


def make_import_etag(import_: Import) -> str:
    """The ETag of the preview of the import's revert. The caller has called ``force_generic_plans``."""
    state = [import_.pk, import_.processed_at, import_.reverted_at]
    return make_etag(organization_id=import_.organization_id, import_id=import_.pk, state=state)
