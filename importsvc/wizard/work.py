"""Work that is done during the request, or left to a worker because it takes long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from importsvc.errors import DomainError
from importsvc.files.models import ImportFile
from importsvc.http.slots import SHORT_BYTES
from importsvc.imports import services
from importsvc.imports.models import OnRowError
from importsvc.operations.models import Kind, Operation
from importsvc.wizard.access import Access


def is_large(size: int) -> bool:
    """Whether work on so many bytes takes longer than a page should."""
    return size > SHORT_BYTES


def lead_to_operation(access: Access, operation: Operation) -> HttpResponse:
    """Lead to the page that shows how far an operation is."""
    return redirect("wizard:operation", access.organization.pk, operation.pk)


@contextmanager
def keeping_refusal(access: Access, import_id: int, kind: Kind) -> Iterator[None]:
    """Keep that a run or a check of an import was refused, for its page and for staff; the error goes on."""
    began_at = timezone.now()
    try:
        yield
    except DomainError as error:
        services.keep_refusal(
            organization=access.organization,
            import_id=import_id,
            kind=kind,
            error=error,
            actor=access.actor,
            began_at=began_at,
        )
        raise


def stage_file(access: Access, file: ImportFile, mapping: Mapping[str, Any]) -> HttpResponse:
    """Stage the rows that a mapping makes of a file, and lead to their check; a worker stages a large file.

    Raises:
        MappingRefused, FileUnreadable, FilePruned, ImportDataInvalid, Unavailable: nothing is staged.
    """
    chosen: dict[str, Any] = {"organization": access.organization, "creator": access.creator}
    # Rows with errors are left out, unless they are corrected.
    arguments: dict[str, Any] = {
        "import_file_id": file.pk,
        "mapping": dict(mapping),
        "on_row_error": OnRowError.SKIP.value,
    }
    if is_large(file.size):
        operation = services.queue_operation(**chosen, kind=Kind.CREATE, arguments=arguments)
        return lead_to_operation(access, operation)
    import_ = services.create_import_from_file(**chosen, **arguments)
    return redirect("wizard:check", access.organization.pk, import_.pk)
