"""Pruning: the bytes of files that were uploaded long ago."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from importsvc.files.models import ImportFile
from importsvc.files.storage import delete_content


def prune_import_files(*, dry_run: bool = False) -> int:
    """Delete the bytes of files older than ``IMPORT_FILE_DAYS``, each in a transaction; return how many files it were.

    What was detected in them stays. A dry run only counts them. Files that another transaction uses are left for the
    next call.
    """
    # The only statement that looks at all organizations.
    old = _select_old(ImportFile.objects.all())
    if dry_run:
        return old.count()
    return sum(_prune(*key) for key in list(old.order_by("id").values_list("organization_id", "pk")))


def _prune(organization_id: int, file_id: int) -> bool:
    files = ImportFile.objects.filter(organization_id=organization_id, pk=file_id)
    with transaction.atomic():
        # Again under the lock.
        if not _select_old(files).select_for_update(no_key=True, skip_locked=True).exists():
            return False
        delete_content(organization_id, file_id)
        files.update(pruned_at=timezone.now())
    return True


def _select_old(files: QuerySet[ImportFile]) -> QuerySet[ImportFile]:
    expiry = timezone.now() - timedelta(days=settings.IMPORT_FILE_DAYS)
    return files.filter(created_at__lte=expiry, pruned_at=None)
