"""Imports as the pages show them."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect

from importsvc.imports import selectors, services
from importsvc.imports.models import Import, ImportState
from importsvc.operations.models import Status
from importsvc.operations.selectors import OperationStatus, find_latest
from importsvc.wizard.access import Access


def find_import(access: Access, import_id: int) -> Import:
    """An import of the organization.

    Raises:
        RecordNotFound: there is none.
        PermissionDenied: it has rows of a type that the access is not for.
    """
    import_ = services.find_import(import_id=import_id, organization=access.organization)
    if access.types:
        types = selectors.list_staged_types(organization=access.organization, import_id=import_id)
        if not types <= set(access.types):
            raise PermissionDenied
    return import_


def find_work(access: Access, import_id: int) -> OperationStatus | None:
    """The operation on an import that is queued or running; ``None`` if there is none."""
    latest = find_latest(organization=access.organization, import_id=import_id)
    return latest if latest is not None and latest.operation.status == Status.QUEUED else None


def lead_on(access: Access, import_: Import) -> HttpResponse | None:
    """Lead from a page of an import that is not run yet to its result, if it is run or in work; otherwise ``None``."""
    if import_.state != ImportState.CREATED or find_work(access, import_.pk) is not None:
        return redirect("wizard:import", access.organization.pk, import_.pk)
    return None
