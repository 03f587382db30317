"""What needs attention of an import in words: its last run or check that failed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from django.urls import reverse

from importsvc.imports.actors import Actor
from importsvc.imports.failures import find_failure
from importsvc.imports.formatting import describe_row_error_count, describe_stored_errors
from importsvc.imports.models import Import
from importsvc.operations.models import Kind
from importsvc.text.display import printable

_TITLES = {Kind.IMPORT.value: "A run was refused", Kind.CHECK.value: "A check was refused"}
_ADVICE = {
    True: "Correct the rows with errors, then run the import again.",
    False: "Replace the rows, or change what is in the way; then run the import again.",
}


@dataclass(frozen=True)
class ShownFailure:
    """A failure in words. ``url`` leads to the page with which it is dealt; empty if the user may not import."""

    title: str
    at: datetime
    actor: Actor
    count: str
    sentences: list[str]
    advice: str
    url: str
    link: str


def describe_failure(import_: Import, *, may_import: bool) -> ShownFailure | None:
    """The last failure of an import that was not dealt with since; ``None`` if there is none."""
    failure = find_failure(import_)
    if failure is None:
        return None
    has_row_errors = bool(import_.error_count)
    page = "wizard:check" if has_row_errors else "wizard:preview"
    return ShownFailure(
        title=_TITLES.get(failure.kind, "An operation failed"),
        at=failure.failed_at,
        actor=replace(failure.actor, name=printable(failure.actor.name)),
        count=describe_row_error_count(failure.row_error_count),
        sentences=list(map(printable, describe_stored_errors(failure.errors))),
        advice=_ADVICE[has_row_errors],
        url=reverse(page, args=[import_.organization_id, import_.pk]) if may_import else "",
        link="Correct the rows" if has_row_errors else "Preview the run",
    )
