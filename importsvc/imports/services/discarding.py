"""Discards an import that is not to be run."""

from __future__ import annotations

from collections.abc import Collection

from django.utils import timezone

from importsvc.errors import Conflict
from importsvc.imports.models import Import, ImportState, StagedChunk, StagedRowError
from importsvc.imports.services.preconditions import require_version
from importsvc.imports.services.refusals import clear_refusal
from importsvc.imports.services.transactions import (
    limited_transaction,
    lock_import,
    require_rows_kept,
    require_state,
    save_fields,
)
from importsvc.operations.models import Operation, Status
from organizations.models import Organization


def discard_import(*, organization: Organization, import_id: int, if_match: Collection[str] | None = None) -> Import:
    """Delete the staged rows of an import that was not run, as ``prune_imports`` does when they are old.

    The import itself stays, with its file and its mapping: what has its id still finds it.

    Args:
        organization: of the import.
        import_id: the import.
        if_match: as for ``update_import``.

    Raises:
        RecordNotFound, WrongState, ImportPruned: there is no such import, it was run, or it has no rows any more.
        Conflict: an operation on it is queued.
        PreconditionFailed, ImportInUse, Unavailable: as for ``update_import``.
    """
    with limited_transaction():
        import_ = lock_import(organization, import_id)
        require_state(import_, ImportState.CREATED, "discarded")
        require_version(import_, if_match)
        require_rows_kept(import_)
        of_import = {"organization_id": organization.pk, "import_record_id": import_id}
        if Operation.objects.filter(**of_import, status=Status.QUEUED).exists():
            raise Conflict("An operation on this import is queued; cancel it first")
        for model in (StagedRowError, StagedChunk):
            model.objects.filter(**of_import).delete()
        clear_refusal(import_)
        import_.error_count, import_.pruned_at = None, timezone.now()
        save_fields(import_, "error_count", "pruned_at")
    return import_
