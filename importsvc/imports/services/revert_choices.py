"""What a revert would do with each conflict policy, and the records that the choice is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from django.core.paginator import Page, Paginator
from django.db import transaction

from importsvc.changelog.models import KEPT, Change
from importsvc.engine.revert.choices import PolicyPreview
from importsvc.engine.revert.preview import UndoChange, UndoPreview
from importsvc.engine.revert.revert import UndoReport
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services.reverting import convert_errors, find_import, make_import_etag
from importsvc.imports.services.transactions import attempt, require_rows_kept, require_state
from importsvc.postgres.plan_cache import force_generic_plans
from organizations.models import Organization

Result = TypeVar("Result")


@dataclass(frozen=True)
class RevertChoices:
    """What a revert would do with each conflict policy.

    Attributes:
        etag: of the preview of the revert; ``revert_import`` takes it in ``if_match``.
        keeping: what the policy ``keep`` would do.
        discarding: what the policy ``discard`` would do.
        edits: the number of values that were changed since the import, which ``keep`` leaves as they are.
        page: a page of the records that ``keep`` would keep, or of which it would keep values: those with conflicts,
            and those that they refer to.
        kept_by_discard: of the records of the page, those of which ``discard`` keeps something, by the id of the
            change: the columns that it keeps, none if it is the record.
    """

    etag: str
    keeping: UndoReport
    discarding: UndoReport
    edits: int
    page: Page[UndoChange]
    kept_by_discard: Mapping[int, Sequence[str]]


def preview_choices(
    *, organization: Organization, import_id: int, page_number: object = None, page_size: int
) -> RevertChoices:
    """Read what a revert would do with each conflict policy; nothing is written.

    Each policy marks what it keeps as a revert does, and that is rolled back: the numbers are those of the revert.
    Meanwhile another revert of the import waits.

    Args:
        organization: of the import.
        import_id: the import.
        page_number: of the page, counted from 1; without such a page it is the nearest one.
        page_size: the number of records of a page.

    Raises:
        RecordNotFound, WrongState, ImportPruned: as ``revert_import`` does.
        Conflict: a type is no longer registered.
        Busy, Unavailable: another transaction is in the way; trying again later may succeed.
    """
    import_ = _find(organization, import_id)
    return attempt(lambda: _preview(import_, page_number, page_size))


def read_conflicts(
    *, organization: Organization, import_id: int, read: Callable[[Iterator[UndoChange]], Result]
) -> Result:
    """Call ``read`` with all records that ``RevertChoices.page`` has a page of, and return its result.

    After a write conflict it is called again.

    Raises:
        RecordNotFound, WrongState, ImportPruned, Conflict, Busy, Unavailable: as ``preview_choices`` does.
    """
    import_ = _find(organization, import_id)

    def work() -> Result:
        preview = _read_policies(import_)
        with _rolled_back():
            preview.mark_keep()
            return read(preview.preview.read_kept())

    return attempt(work)


def _preview(import_: Import, page_number: object, page_size: int) -> RevertChoices:
    force_generic_plans()
    # Before anything else is read: if another transaction writes in between, the ETag is outdated.
    with convert_errors():
        etag = make_import_etag(import_)
    policies = _read_policies(import_)
    with _rolled_back():
        keeping = policies.mark_keep()
        kept = _KeptRecords(policies.preview, sum(keeping.kept.values()))
        page: Page[UndoChange] = Paginator(kept, page_size).get_page(page_number)  # type: ignore[arg-type]
        edits = policies.preview.count_edits() if len(kept) else 0
    if not len(kept):
        return RevertChoices(etag, keeping, keeping, edits, page, {})
    with _rolled_back():
        discarding = policies.mark_discard()
        changes = Change.objects.of_import(organization_id=import_.organization_id, import_id=import_.pk)
        still_kept = changes.with_ids([each.change.pk for each in page.object_list]).filter(outcome=KEPT)
        kept_by_discard = {pk: fields or [] for pk, fields in still_kept.values_list("pk", "kept_fields")}
    return RevertChoices(etag, keeping, discarding, edits, page, kept_by_discard)


class _KeptRecords:
    """The records that are marked as kept, for a paginator."""

    def __init__(self, preview: UndoPreview, count: int) -> None:
        self._preview = preview
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, part: slice) -> list[UndoChange]:
        return list(self._preview.read_kept(part))


def _read_policies(import_: Import) -> PolicyPreview:
    force_generic_plans()
    with convert_errors():
        return PolicyPreview(organization_id=import_.organization_id, import_id=import_.pk)


@contextmanager
def _rolled_back() -> Iterator[None]:
    """Roll back what is written in the block."""
    with convert_errors(), transaction.atomic():
        try:
            yield
        finally:
            transaction.set_rollback(True)


def _find(organization: Organization, import_id: int) -> Import:
    import_ = find_import(import_id=import_id, organization=organization)
    require_revertible(import_)
    return import_


def require_revertible(import_: Import) -> None:
    """Raise ``WrongState`` or ``ImportPruned`` unless the import can be reverted."""
    require_state(import_, ImportState.PROCESSED, "reverted")
    require_rows_kept(import_)
