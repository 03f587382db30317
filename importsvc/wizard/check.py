"""``/import/<organization>/imports/<import>/check``: the errors of the rows, and what corrects them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from importsvc.errors import DomainError, PreconditionFailed, RecordNotFound
from importsvc.imports import selectors, services
from importsvc.imports.error_file_response import MEDIA_TYPES
from importsvc.imports.failure_texts import describe_failure
from importsvc.imports.failures import find_failure
from importsvc.imports.models import Import, OnRowError
from importsvc.operations.errors import is_outdated
from importsvc.operations.models import Kind, Operation
from importsvc.wizard.access import Access, with_access
from importsvc.wizard.grid import find_page, read_corrections, read_grid, read_key, read_part, read_problems
from importsvc.wizard.imports import find_import, lead_on
from importsvc.wizard.refusals import OUTDATED, describe
from importsvc.wizard.work import is_large, keeping_refusal, lead_to_operation

# Values of a cause that can be replaced at once.
SHOWN_VALUES = 10


@dataclass
class Cause:
    """Errors with the same cause.

    Attributes:
        count: of the errors.
        values: those that are wrong, with the number of each.
        is_unknown_column: whether the column is none of the type, so that all that can be done is to remove it.
        is_repeated: whether rows repeat each other, so that the same new value for all of them would not help.
    """

    record_type: str
    column: str
    message: str
    count: int = 0
    values: list[tuple[str, int]] = field(default_factory=list)
    is_unknown_column: bool = False
    is_repeated: bool = False


@with_access
@require_safe
def show_check(request: HttpRequest, access: Access, import_id: int) -> HttpResponse:
    """The errors by their causes, and a page of the rows that have some; in the background more of these rows."""
    # Before the rows: if they change in between, what the page sends is refused.
    version = selectors.read_version(organization=access.organization, import_id=import_id)
    import_ = find_import(access, import_id)
    if elsewhere := lead_on(access, import_):
        return elsewhere
    services.require_rows_kept(import_)
    if "HX-Request" in request.headers:
        part = read_part(access, import_id, request.GET.get("after", ""), request.GET.get("until", ""))
        context = {"access": access, "import": import_, "part": part, "is_again": "until" in request.GET}
        return render(request, "wizard/grid.html", context)
    failure = find_failure(import_)
    # The last work changed nothing because the import had been changed meanwhile.
    was_outdated = failure is not None and is_outdated(failure.errors)
    counts = _count_rows(access, import_)
    page, part = read_grid(access, import_id, request.GET.get("page"))
    context = {
        "access": access,
        "import": import_,
        "step": "check",
        "version": version,
        "counts": counts,
        "failure": [OUTDATED] if failure and failure.kind == Kind.CHECK and was_outdated else [],
        "causes": _group_errors(import_) if import_.error_count else [],
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number),
        "part": part,
        "can_correct": import_.on_row_error != OnRowError.REFUSE,
        "formats": list(MEDIA_TYPES),
        "attention": None if was_outdated else describe_failure(import_, may_import=True),
    }
    return render(request, "wizard/check.html", context)


@with_access
@require_POST
def correct(request: HttpRequest, access: Access, import_id: int) -> HttpResponse:
    """Write the cells of the form that were changed. The page shows what is wrong with its rows then."""
    import_ = find_import(access, import_id)
    sentences: list[str] = []
    try:
        corrections = read_corrections(access, import_id, request.POST)
        if corrections:
            import_ = services.correct_rows(
                organization=access.organization,
                import_id=import_id,
                corrections=corrections,
                if_match=[request.POST.get("version", "")],
            )
    except (PreconditionFailed, RecordNotFound):
        sentences = [OUTDATED]
    except DomainError as error:
        sentences = describe(error)
    if "HX-Request" not in request.headers:
        return _show_again(request, access, import_id, sentences, "Saved, and checked again.")
    version = request.POST.get("version", "")
    if not sentences:
        version = selectors.read_version(organization=access.organization, import_id=import_id)
    context = {
        "access": access,
        "import": import_,
        "version": version,
        "sentences": sentences,
        "counts": _count_rows(access, import_),
        "problems": read_problems(access, import_id, request.POST.get("rows", "").split(",")),
    }
    return render(request, "wizard/corrected.html", context)


@with_access
@require_POST
def delete_row(request: HttpRequest, access: Access, import_id: int) -> HttpResponse:
    """Delete a row, so that it is not imported."""
    find_import(access, import_id)
    place = read_key(request.POST.get("row", ""))
    if place is None:
        raise Http404
    return change_rows(
        request,
        access,
        import_id,
        lambda options: services.delete_row(record_type=place[0], row=place[1], **options),
        f"{place[0].capitalize()} row {place[1]} is deleted. The file itself is not changed.",
    )


@with_access
@require_POST
def replace(request: HttpRequest, access: Access, import_id: int) -> HttpResponse:
    """Replace a value in all rows that have it; without a new value, remove it."""
    find_import(access, import_id)
    given = {name: request.POST.get(name, "") for name in ("type", "column", "to")}
    options: dict[str, Any] = {"to": given["to"].strip() or None}
    if "old" in request.POST:
        options["old"] = request.POST["old"]
    size = selectors.read_staged_size(organization_id=access.organization.pk, import_id=import_id)
    if services.takes_long(size):
        operation = services.queue_operation(
            organization=access.organization,
            creator=access.creator,
            kind=Kind.CHECK,
            import_id=import_id,
            if_match=[request.POST.get("version", "")],
            arguments={"replace": {"record_type": given["type"], "column": given["column"], **options}},
        )
        return lead_to_operation(access, operation)
    return change_rows(
        request,
        access,
        import_id,
        lambda further: services.replace_value(record_type=given["type"], column=given["column"], **options, **further),
        "Replaced in all rows, and checked again." if options["to"] else "Removed from all rows, and checked again.",
    )


@with_access
@require_POST
def check_again(request: HttpRequest, access: Access, import_id: int) -> HttpResponse:
    """Find all errors again, against what the organization has now."""
    find_import(access, import_id)
    size = selectors.read_staged_size(organization_id=access.organization.pk, import_id=import_id)
    if is_large(size):
        operation = services.queue_operation(
            organization=access.organization, creator=access.creator, kind=Kind.CHECK, import_id=import_id
        )
        return lead_to_operation(access, operation)

    def check(options: dict[str, Any]) -> None:
        with keeping_refusal(access, import_id, Kind.CHECK):
            services.check_import(**options)

    return change_rows(request, access, import_id, check, "Checked again.")


def change_rows(
    request: HttpRequest, access: Access, import_id: int, service: Callable[[dict[str, Any]], Any], done: str = ""
) -> HttpResponse:
    """Call a service that changes staged rows, unless they have changed since the page was opened, and show the page.

    It says what is ``done``; without that, what the service returns.
    """
    options = {"organization": access.organization, "import_id": import_id}
    sentences: list[str] = []
    try:
        result = service({**options, "if_match": [request.POST.get("version", "")]})
        done = done or result
    except DomainError as error:
        if error.retry_after:
            raise
        sentences = describe(error)
    return _show_again(request, access, import_id, sentences, done)


def queue_change(
    request: HttpRequest, access: Access, import_id: int, service: Callable[[dict[str, Any]], Operation]
) -> HttpResponse:
    """Call a service that leaves such a change to a worker, and show how far that is; or the page, if it is refused."""
    options = {"organization": access.organization, "import_id": import_id}
    try:
        operation = service({**options, "if_match": [request.POST.get("version", "")]})
    except DomainError as error:
        if error.retry_after:
            raise
        return _show_again(request, access, import_id, describe(error), "")
    return lead_to_operation(access, operation)


def _show_again(request: HttpRequest, access: Access, import_id: int, sentences: list[str], done: str) -> HttpResponse:
    for sentence in sentences:
        messages.error(request, sentence)
    if not sentences:
        messages.success(request, done)
    response = redirect("wizard:check", access.organization.pk, import_id)
    # The page where the rows are that were changed: of a deleted one, those after it.
    page = request.POST.get("page") or str(find_page(access, import_id, request.POST.get("row", "")))
    if page.isascii() and page.isdigit() and int(page) > 1:
        response["Location"] += f"?page={page}"
    return response


def _count_rows(access: Access, import_: Import) -> Mapping[str, int]:
    """The numbers of rows with errors, of those without, and of both.

    Rows that are derived from others, such as companies that people name, count only if they have errors.
    """
    options: dict[str, Any] = {"organization": access.organization, "import_id": import_.pk}
    staged = selectors.list_staged_types(**options) - set(import_.derived_types)
    if not import_.error_count:
        right = len(services.list_rows(**options, record_types=staged))
        return {"rows": right, "wrong": 0, "right": right}
    right = len(services.list_rows(**options, record_types=staged, has_errors=False))
    wrong = len(services.list_rows(**options, has_errors=True))
    return {"rows": right + wrong, "wrong": wrong, "right": right}


def _group_errors(import_: Import) -> list[Cause]:
    """The errors by type, column and what is wrong; the largest groups first."""
    causes: dict[tuple[str, str | None, str], Cause] = {}
    for group in services.summarize_errors(import_):
        code = group["code"]
        key = group["record_type"], group["column"], code
        cause = causes.setdefault(
            key, Cause(group["record_type"], group["column"] or "", _shorten(group["message"], code))
        )
        cause.count += group["count"]
        cause.is_unknown_column, cause.is_repeated = code == "unknown_column", code == "repeated"
        can_replace = not cause.is_unknown_column and not cause.is_repeated
        if can_replace and group["value"] is not None and group["column"] is not None:
            cause.values.append((group["value"], group["count"]))
    return sorted(causes.values(), key=lambda cause: -cause.count)


def _shorten(message: str, code: str) -> str:
    """The message without the row that the first error names."""
    return message.partition(" by row ")[0] if code in ("repeated", "taken") else message
