"""Queued operations for tests."""

from __future__ import annotations

from typing import Any

from importsvc.imports import services
from importsvc.imports.models import Import
from importsvc.operations.models import Kind, Operation, Progress
from people.services import NewOrganization

ROWS: dict[str, Any] = {
    "company": [{"name": "Import"}],
    "person": [{"first_name": "John", "company": "Import", "email": "john@mail.com"}],
}


def create(tenant: NewOrganization, rows: Any = ROWS, **options: Any) -> Import:
    """An import that was not run yet."""
    return services.create_import(organization=tenant.organization, creator=tenant.person, import_data=rows, **options)


def queue(tenant: NewOrganization, kind: Kind, import_: Import | None = None, **options: Any) -> Operation:
    """An operation on the import."""
    return services.queue_operation(
        organization=tenant.organization,
        creator=tenant.person,
        kind=kind,
        import_id=import_.pk if import_ else None,
        **options,
    )


def read_progress(operation: Operation) -> Progress:
    """The progress as another connection sees it."""
    return Progress.objects.get(organization_id=operation.organization_id, operation_id=operation.pk)
