"""Whether an operation waits although there is no worker that could do it."""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone

from importsvc.operations.models import Status
from importsvc.operations.selectors import OperationStatus
from importsvc.operations.wake_up import count_listeners
from importsvc.operations.worker import count_workers

# After so many seconds in the queue it is said whether there is a worker at all.
PATIENCE_SECONDS = 3


def lacks_worker(found: OperationStatus) -> bool:
    """Whether an operation has waited for some seconds, and no worker is there."""
    waited = (timezone.now() - found.operation.queued_at).total_seconds()
    return found.status == Status.QUEUED and waited > PATIENCE_SECONDS and not _has_worker()


def _has_worker() -> bool:
    return count_workers() > 0 or bool(settings.CELERY_BROKER_URL and count_listeners() > 0)
