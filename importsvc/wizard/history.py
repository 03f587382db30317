"""``/import/<organization>/``: the imports of an organization, and the field that takes a new file."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from importsvc.errors import DomainError, RecordNotFound
from importsvc.files import services as files
from importsvc.files.models import ImportFile
from importsvc.imports.failures import select_failed
from importsvc.imports.models import Import
from importsvc.imports.selectors import show_state
from importsvc.wizard.access import Access, with_access
from importsvc.wizard.imports import find_import
from importsvc.wizard.outcomes import describe_outcomes
from importsvc.wizard.refusals import describe
from importsvc.wizard.uploads import find_content_type, find_upload, spool
from importsvc.wizard.work import stage_file

PAGE_SIZE = 25


@with_access
@require_safe
def show_history(request: HttpRequest, access: Access) -> HttpResponse:
    """The imports, the latest first."""
    imports = Import.objects.for_organization(access.organization).order_by("-id")
    page = Paginator(imports, PAGE_SIZE).get_page(request.GET.get("page"))
    ids = [import_.pk for import_ in page.object_list]
    shown: Any = Import.objects.for_organization(access.organization).filter(pk__in=ids)
    shown = shown.select_related("creator").annotate(file_name=F("import_file__name"), shown_state=show_state())
    # A query of its own: the page has few imports, all of which PostgreSQL would join otherwise.
    kept = Import.objects.for_organization(access.organization).filter(pk__in=ids, pruned_at=None)
    failed = set(select_failed(kept).values_list("pk", flat=True))
    rows = [
        (each, describe_outcomes(each.counts) if each.counts else "", each.pk in failed)
        for each in shown.order_by("-id")
    ]
    pages = page.paginator.get_elided_page_range(page.number)
    return render(request, "wizard/history.html", {"access": access, "page": page, "pages": pages, "rows": rows})


@with_access
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest, access: Access) -> HttpResponse:
    """``POST``: store the file, and show what was detected in it. ``GET``: the page with the field."""
    home = redirect("wizard:history", access.organization.pk)
    if request.method != "POST":
        return home
    given = find_upload(request)
    if given is None:
        messages.error(request, "Choose a file first.")
        return home
    try:
        content, sha256 = spool(given)
        file = files.create_import_file(
            organization=access.organization,
            creator=access.creator,
            content=content,
            sha256=sha256,
            name=content.name,
            content_type=find_content_type(given),
        )
        if of_import := request.POST.get("of_import", ""):
            return _stage_corrected(access, file, of_import)
    except DomainError as error:
        for sentence in describe(error):
            messages.error(request, sentence)
        return home
    return redirect("wizard:file", access.organization.pk, file.pk)


def _stage_corrected(access: Access, file: ImportFile, of_import: str) -> HttpResponse:
    """Stage the rows of an error file as an import of their own, with the columns of the import that they come from."""
    if not of_import.isascii() or not of_import.isdigit():
        raise RecordNotFound
    import_ = find_import(access, int(of_import))
    if import_.mapping is None:
        return redirect("wizard:columns", access.organization.pk, file.pk)
    return stage_file(access, file, import_.mapping)
