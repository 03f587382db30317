"""``/import/<organization>/files/<file>/columns``: which columns of a file fill which fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from importsvc.errors import DomainError, InvalidAttribute
from importsvc.files import services as files
from importsvc.files.models import ImportFile, OnDuplicate
from importsvc.imports import services
from importsvc.wizard.access import Access, with_access
from importsvc.wizard.column_fields import (
    describe_columns,
    keep_allowed,
    list_choices,
    list_match_keys,
    may_fill,
    read_choices,
)
from importsvc.wizard.mappings import BaseMapping, find_base, list_bases
from importsvc.wizard.refusals import describe
from importsvc.wizard.work import stage_file

EXISTING = {
    OnDuplicate.ERROR.value: ("Reject", "A row about a record that exists is an error."),
    OnDuplicate.SKIP.value: ("Skip", "Such a row is left out; the record stays as it is."),
    OnDuplicate.UPDATE.value: ("Update", "The record gets the values of the row. Blank cells change nothing."),
}


@with_access
@require_http_methods(["GET", "HEAD", "POST"])
def show_columns(request: HttpRequest, access: Access, file_id: int) -> HttpResponse:
    """``GET``: the columns with what is proposed; ``POST``: stage the rows, or say what keeps them from that."""
    file = files.find_import_file(organization=access.organization, file_id=file_id)
    base = find_base(access, file, request.POST.get("base") or request.GET.get("base"))
    if request.method != "POST":
        return _render(request, access, file, base, keep_allowed(files.find_choices(file, base.document), access))
    chosen = read_choices(request.POST, file, access)
    document = _write_document(request.POST, access, file, base, chosen)
    try:
        services.require_fit(organization=access.organization, file_id=file.pk, mapping=document)
        _keep_mapping(request, access, document)
        return stage_file(access, file, document)
    except DomainError as error:
        if error.retry_after:
            raise
        return _render(request, access, file, base, chosen, given=request.POST, document=document, refusal=error)


def _write_document(
    given: Mapping[str, str],
    access: Access,
    file: ImportFile,
    base: BaseMapping,
    chosen: Mapping[str, Sequence[str] | None],
) -> dict[str, Any]:
    document = files.choose_columns(file, base.document, chosen=chosen, joins="joins" in given)
    on_duplicate = given.get("on_duplicate", "")
    match_by = given.get("match_by") or None
    document["on_duplicate"] = on_duplicate if on_duplicate in EXISTING else OnDuplicate.ERROR.value
    document["match_by"] = match_by if match_by in services.get_match_keys() else None
    if access.types:
        # A saved mapping may have constants of other types, and companies that people name would be created.
        document["columns"] = [
            column for column in document["columns"] if all(may_fill(access, target) for target in column["targets"])
        ]
        if "company" not in access.types:
            document["missing_companies"] = "error"
    return document


def _keep_mapping(request: HttpRequest, access: Access, document: Mapping[str, Any]) -> None:
    """Save the mapping, if it was given a name.

    Raises:
        InvalidAttribute: it cannot be saved under this name.
    """
    name = request.POST.get("save_as", "").replace("\0", "").strip()
    if name:
        files.create_import_model(organization=access.organization, creator=access.creator, name=name, **document)
        messages.success(request, f"The mapping is kept as “{name}”. It is proposed for files with the same columns.")


def _render(
    request: HttpRequest,
    access: Access,
    file: ImportFile,
    base: BaseMapping,
    chosen: Mapping[str, Sequence[str] | None],
    *,
    given: Mapping[str, str] | None = None,
    document: Mapping[str, Any] | None = None,
    refusal: DomainError | None = None,
) -> HttpResponse:
    """The page: with what is proposed, or with what was given and why it was refused."""
    shown = document or base.document
    values = given or {}
    refused = refusal.each if refusal else ()
    is_of_name = isinstance(refusal, InvalidAttribute) and refusal.attribute == "name"
    columns = describe_columns(access, file, chosen, shown, refused)
    context = {
        "access": access,
        "file": file,
        "step": "columns",
        "base": base,
        "bases": list_bases(access, file),
        "columns": columns,
        "choices": list_choices(access),
        "existing": [(value, *words) for value, words in EXISTING.items()],
        "on_duplicate": values.get("on_duplicate", shown["on_duplicate"]),
        "match_keys": list_match_keys(),
        "match_by": values.get("match_by", shown["match_by"] or ""),
        "joins": "joins" in values,
        "save_as": values.get("save_as", ""),
        "open_count": sum(column.grade == "open" for column in columns),
        "sentences": [] if is_of_name else _describe_refused(refused),
        "name_problem": describe(refusal)[0] if refusal is not None and is_of_name else "",
    }
    return render(request, "wizard/columns.html", context, status=422 if refusal else 200)


def _describe_refused(refused: Sequence[DomainError]) -> list[str]:
    """What keeps the rows from being read; in one sentence for all columns that are open."""
    is_open = [(error.meta or {}).get("reason") == "open_header" for error in refused]
    others = [
        sentence for error, is_one in zip(refused, is_open, strict=True) if not is_one for sentence in describe(error)
    ]
    if not any(is_open):
        return others
    count = sum(is_open)
    what = (
        "1 column is open: choose what it fills" if count == 1 else f"{count} columns are open: choose what each fills"
    )
    return [f"{what}, or “Don’t import”.", *others]
