"""``/import/<organization>/imports/<import>/discard``: an import that is not to be run."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from importsvc.errors import DomainError
from importsvc.imports import selectors, services
from importsvc.wizard.access import Access, with_access
from importsvc.wizard.imports import find_import, lead_on
from importsvc.wizard.refusals import describe


@with_access
@require_http_methods(["GET", "HEAD", "POST"])
def discard(request: HttpRequest, access: Access, import_id: int) -> HttpResponse:
    """``GET``: what would be deleted; ``POST``: delete the rows, unless they have changed since the page was opened."""
    # Before the rows: if they change in between, the form is refused.
    version = selectors.read_version(organization=access.organization, import_id=import_id)
    import_ = find_import(access, import_id)
    if elsewhere := lead_on(access, import_):
        return elsewhere
    chosen: dict[str, Any] = {"organization": access.organization, "import_id": import_id}
    if request.method == "POST":
        try:
            services.discard_import(**chosen, if_match=[request.POST.get("version", "")])
        except DomainError as error:
            if error.retry_after:
                raise
            for sentence in describe(error):
                messages.error(request, sentence)
            return redirect("wizard:import", access.organization.pk, import_id)
        messages.success(request, f"Import {import_id} is discarded: its rows are deleted.")
        return redirect("wizard:history", access.organization.pk)
    row_count = len(services.list_rows(**chosen))
    context = {"access": access, "import": import_, "version": version, "row_count": row_count}
    return render(request, "wizard/discard.html", context)
