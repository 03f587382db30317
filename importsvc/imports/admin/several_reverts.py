"""What the reverts of several imports would do, each on its own; a worker finds it out if they are large."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from importsvc.errors import DomainError
from importsvc.imports.admin.queued_reverts import request_revert_preview, sum_sizes
from importsvc.imports.formatting import (
    describe_conflicts,
    describe_refusal,
    describe_revert_preview,
    describe_stored_errors,
)
from importsvc.imports.models import Import
from importsvc.imports.services import (
    Previewed,
    RevertPreview,
    StoredRevert,
    preview_revert,
    read_revert,
    takes_long,
)
from importsvc.operations.models import Status
from importsvc.operations.selectors import OperationStatus


@dataclass(frozen=True)
class Preview:
    """What a confirmation shows of an import, in words.

    Attributes:
        import_: the import.
        refusal: empty if a conflict policy can revert it.
        would: what a revert would do.
        conflicts: of the revert.
        etag: of the preview.
        waits_for: the operation that finds it out; ``None`` if it is known.
    """

    import_: Import
    refusal: str = ""
    would: str = ""
    conflicts: Sequence[str] = field(default_factory=list)
    etag: str = ""
    waits_for: OperationStatus | None = None

    @property
    def etag_name(self) -> str:
        """The name of the form field that has the ETag."""
        return name_etag(self.import_)


def name_etag(import_: Import) -> str:
    """The name of the form field that has the ETag of an import's preview."""
    return f"etag_{import_.pk}"


def preview_several(imports: Sequence[Import]) -> list[Preview]:
    """What a revert of each import would do. They have ``staged_size``, and a worker previews all if they are large."""
    find = _request if takes_long(sum_sizes(imports)) else _read
    return [_preview(import_, find) for import_ in imports]


def _preview(import_: Import, find: Callable[[Import], RevertPreview | OperationStatus]) -> Preview:
    try:
        found = find(import_)
    except DomainError as error:
        return Preview(import_, refusal=describe_refusal(error))
    preview: RevertPreview | StoredRevert
    if not isinstance(found, OperationStatus):
        preview = found
    elif found.status == Status.SUCCEEDED:
        preview = read_revert(found.operation)
    elif found.operation.errors:
        return Preview(import_, refusal=" ".join(describe_stored_errors(found.operation.errors)))
    else:
        return Preview(import_, waits_for=found)
    conflicts = describe_conflicts(preview.find_conflicts())
    return Preview(import_, would=describe_revert_preview(preview.counts), conflicts=conflicts, etag=preview.etag)


def _read(import_: Import) -> RevertPreview:
    return preview_revert(organization=import_.organization, import_id=import_.pk)


def _request(import_: Import) -> OperationStatus:
    return request_revert_preview(import_, Previewed.REVERT)
