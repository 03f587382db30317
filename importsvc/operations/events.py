"""The events of operations that end without a result, for webhooks."""

from __future__ import annotations

from importsvc.operations.models import Kind, Operation, Status
from importsvc.webhooks.events import Event, describe_import
from importsvc.webhooks.services import record_event


def record_end(operation: Operation) -> None:
    """Record the event of an operation that was cancelled, or of an import that failed, in the caller's transaction.

    Previews have none: they change nothing.
    """
    if operation.kind == Kind.PREVIEW:
        return
    if operation.status == Status.CANCELLED:
        event = Event.OPERATION_CANCELLED
    elif operation.status == Status.FAILED and operation.kind == Kind.IMPORT:
        event = Event.IMPORT_FAILED
    else:
        return
    data = {"import_id": None} if operation.import_record_id is None else describe_import(operation.import_record_id)
    data |= {
        "operation_id": str(operation.pk),
        "kind": operation.kind,
        "link": f"/api/v2/operations/{operation.pk}",
    }
    record_event(organization_id=operation.organization_id, event=event, data=data)
