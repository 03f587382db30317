"""Pruning: staged rows of imports that were never run, and all rows of imports that were run long ago."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from importsvc.changelog.models import CreatedChunk, SingleChange
from importsvc.imports.models import Import, Refusal, StagedChunk, StagedRowError
from importsvc.operations.models import Operation, Status

# What one transaction deletes: it takes some tens of milliseconds.
CHANGES_AT_ONCE = 10_000
CHUNKS_AT_ONCE = 100


@dataclass(frozen=True)
class Pruned:
    """The numbers of imports whose rows were deleted.

    Attributes:
        not_run: that were not run; new rows may be staged in them.
        run: that were run; they can no longer be reverted.
    """

    not_run: int
    run: int


def prune_imports(*, dry_run: bool = False) -> Pruned:
    """Delete rows of old imports, and mark the imports as pruned.

    They are the staged rows of imports that were not run for ``UNRUN_IMPORT_DAYS``, and the staged rows and the change
    log of imports that were run or reverted more than ``RUN_IMPORT_DAYS`` ago, unless that is ``None``.

    Each import is marked first and refuses what needs its rows from then on; then the rows are deleted, in many short
    transactions. If that is interrupted, the next call goes on. Imports that another transaction uses, or that a queued
    operation names, are left for the next call. A dry run only counts the imports.
    """
    old = _select_not_run(), _select_run()
    counts = [imports.count() if dry_run else _mark(imports) for imports in old]
    if not dry_run:
        _delete_rows()
    return Pruned(*counts)


def _select_not_run() -> QuerySet[Import]:
    staged_at = Coalesce("staged_at", "created_at")
    return (
        _select_unused()
        .alias(staged=staged_at)
        .filter(processed_at=None, staged__lte=_expiry(settings.UNRUN_IMPORT_DAYS))
    )


def _select_run() -> QuerySet[Import]:
    if settings.RUN_IMPORT_DAYS is None:
        return Import.objects.none()
    ended_at = Coalesce("reverted_at", "processed_at")
    return _select_unused().alias(ended=ended_at).filter(ended__lte=_expiry(settings.RUN_IMPORT_DAYS))


def _select_unused() -> QuerySet[Import]:
    """Imports of all organizations that are not pruned, and that no queued operation names."""
    queued = Operation.objects.filter(
        organization_id=OuterRef("organization_id"), import_record_id=OuterRef("pk"), status=Status.QUEUED
    )
    return Import.objects.filter(~Exists(queued), pruned_at=None)


def _mark(imports: QuerySet[Import]) -> int:
    count = 0
    for organization_id, import_id in list(imports.order_by("id").values_list("organization_id", "pk")):
        with transaction.atomic():
            # Again under the lock.
            locked = imports.filter(organization_id=organization_id, pk=import_id)
            found = locked.select_for_update(no_key=True, skip_locked=True, of=("self",)).first()
            if found is not None:
                Import.objects.filter(organization_id=organization_id, pk=import_id).update(pruned_at=timezone.now())
                count += 1
    return count


def _delete_rows() -> None:
    """Delete the rows of all marked imports, those of interrupted calls as well."""
    key = {"organization_id": OuterRef("organization_id"), "import_record_id": OuterRef("pk")}
    kept = (StagedChunk, StagedRowError, Refusal, SingleChange, CreatedChunk)
    has_rows = reduce(or_, (Q(Exists(model.objects.filter(**key))) for model in kept))
    marked = Import.objects.filter(has_rows, pruned_at__isnull=False).order_by("id")
    for organization_id, import_id in list(marked.values_list("organization_id", "pk")):
        of_import = {"organization_id": organization_id, "import_record_id": import_id}
        for delete in (_delete_chunks, _delete_errors, _delete_refusal, _delete_changes, _delete_created_chunks):
            while _delete_some(organization_id, import_id, lambda: delete(of_import)):  # noqa: B023 - called at once
                pass


def _delete_some(organization_id: int, import_id: int, delete: Callable[[], bool]) -> bool:
    """Delete some rows if the import is still marked and not used; return whether there may be more."""
    with transaction.atomic():
        marked = Import.objects.filter(organization_id=organization_id, pk=import_id, pruned_at__isnull=False)
        if not marked.select_for_update(no_key=True, skip_locked=True).exists():
            return False
        return delete()


def _delete_chunks(of_import: dict[str, int]) -> bool:
    chunks = StagedChunk.objects.filter(**of_import)
    numbers = list(chunks.order_by("number").values_list("number", flat=True)[:CHUNKS_AT_ONCE])
    chunks.filter(number__in=numbers).delete()
    return len(numbers) == CHUNKS_AT_ONCE


def _delete_errors(of_import: dict[str, int]) -> bool:
    errors = StagedRowError.objects.filter(**of_import)
    ids = list(errors.order_by("record_type", "row", "number").values_list("pk", flat=True)[:CHANGES_AT_ONCE])
    errors.filter(pk__in=ids).delete()
    return len(ids) == CHANGES_AT_ONCE


def _delete_refusal(of_import: dict[str, int]) -> bool:
    Refusal.objects.filter(**of_import).delete()
    return False


def _delete_changes(of_import: dict[str, int]) -> bool:
    changes = SingleChange.objects.filter(**of_import)
    ids = list(changes.order_by("record_id", "record_type").values_list("pk", flat=True)[:CHANGES_AT_ONCE])
    changes.filter(pk__in=ids).delete()
    return len(ids) == CHANGES_AT_ONCE


def _delete_created_chunks(of_import: dict[str, int]) -> bool:
    chunks = CreatedChunk.objects.filter(**of_import)
    blocks = list(chunks.order_by("block").values_list("block", flat=True)[:CHUNKS_AT_ONCE])
    chunks.filter(block__in=blocks).delete()
    return len(blocks) == CHUNKS_AT_ONCE


def _expiry(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)
