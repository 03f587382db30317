"""The error file of an import: downloaded, and uploaded again with its rows corrected."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from importsvc.imports import selectors, services
from importsvc.imports.error_file_response import MEDIA_TYPES, respond_with_error_file
from importsvc.wizard.access import Access, with_access
from importsvc.wizard.check import change_rows, queue_change
from importsvc.wizard.imports import find_import
from importsvc.wizard.uploads import find_content_type, find_upload, spool
from importsvc.wizard.work import is_large


@with_access
@require_safe
def download(request: HttpRequest, access: Access, import_id: int, file_format: str) -> HttpResponseBase:
    """The error file: the rows that have errors, with the reasons."""
    find_import(access, import_id)
    if file_format not in MEDIA_TYPES:
        raise Http404
    known: Any = file_format
    return respond_with_error_file(organization=access.organization, import_id=import_id, file_format=known)


@with_access
@require_POST
def upload(request: HttpRequest, access: Access, import_id: int) -> HttpResponse:
    """Correct the staged rows from an error file, and show what is wrong with them then.

    A worker does it if the file is large, or the rows that it is merged into are.
    """
    find_import(access, import_id)
    given = find_upload(request)
    if given is None:
        messages.error(request, "Choose a file first.")
        return redirect("wizard:check", access.organization.pk, import_id)
    content, sha256 = spool(given)
    chosen: dict[str, Any] = {
        "creator": access.creator,
        "content": content,
        "name": content.name,
        "content_type": find_content_type(given),
    }
    size = selectors.read_staged_size(organization_id=access.organization.pk, import_id=import_id)
    if is_large(max(size, content.size)):
        return queue_change(
            request,
            access,
            import_id,
            lambda options: services.queue_corrected_file(sha256=sha256, **chosen, **options),
        )

    def correct(options: dict[str, Any]) -> str:
        _, count = services.correct_from_file(**chosen, **options)
        if not count:
            return "The file is read. It changes nothing: no cell of a row with errors is different."
        return f"{count} row{'' if count == 1 else 's'} corrected from the file, and checked again."

    return change_rows(request, access, import_id, correct)
