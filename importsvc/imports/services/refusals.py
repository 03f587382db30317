"""Keeps the last refused run or check of an import, so that staff see it."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import connection
from django.utils import timezone

from importsvc.errors import DomainError, PreconditionFailed, RecordNotFound
from importsvc.imports.actors import Actor
from importsvc.imports.errors import RowsInvalid
from importsvc.imports.models import Import, ImportState, Refusal
from importsvc.imports.services.transactions import limited_transaction, lock_import
from importsvc.operations.errors import store_error
from importsvc.operations.models import Kind
from organizations.models import Organization

logger = logging.getLogger("importsvc.imports")


def keep_refusal(
    *,
    organization: Organization,
    import_id: int,
    kind: Kind,
    error: DomainError,
    actor: Actor,
    began_at: datetime,
) -> None:
    """Keep that a run or a check of an import was refused, in place of what is kept of an earlier one.

    Called after the transaction or the savepoint of the work is rolled back, in a transaction or a savepoint of its
    own. Raises nothing: what fails is logged, and nothing is kept. Nothing is kept either of an error that a later
    attempt may not meet, of a tag that is outdated, of an import that was run, or of rows that were changed since the
    attempt began.

    Args:
        organization: of the caller.
        import_id: the import; perhaps there is none.
        kind: ``import`` or ``check``.
        error: the reason.
        actor: the person or user that asked for it.
        began_at: the time before the attempt locked the import.
    """
    if error.retry_after or isinstance(error, PreconditionFailed | RecordNotFound):
        return
    try:
        with limited_transaction():
            import_ = lock_import(organization, import_id)
            if import_.state != ImportState.CREATED or (import_.staged_at and import_.staged_at >= began_at):
                return
            clear_refusal(import_)
            Refusal.objects.create(
                organization=organization,
                import_record=import_,
                kind=kind,
                refused_at=timezone.now(),
                refused_by=actor.to_json(),
                errors=list(map(store_error, error.each)),
                row_error_count=error.errors.error_count if isinstance(error, RowsInvalid) else None,
            )
    except DomainError:
        pass  # there is no such import, or another transaction is using it: what that does is later
    except Exception:
        logger.exception("The refusal of import %s is not kept", import_id)


def clear_refusal(import_: Import) -> None:
    """Delete what is kept of a refusal. The caller has locked the import."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM imports_refusal WHERE organization_id = %s AND import_id = %s",
            [import_.organization_id, import_.pk],
        )
