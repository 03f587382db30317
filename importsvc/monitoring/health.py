"""Probes: ``/health/live`` and ``/health/ready``, for any Host header and without a token."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, HttpResponse, JsonResponse

from importsvc.operations.wake_up import count_listeners
from importsvc.operations.worker import count_workers

LIVE = "/health/live"
READY = "/health/ready"

# The time in milliseconds that each statement of a probe may take.
_STATEMENT_TIMEOUT = 2000

logger = logging.getLogger("importsvc.health")


class Draining:
    """Whether this process serves its last requests."""

    has_begun = False


class Health:
    """Middleware that answers probes, before any other looks at the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The state of the service: 200 or 503, and what it lacks in a word; for other paths the view's response."""
        if request.path_info not in (LIVE, READY):
            return self._get_response(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
        lacking = find_lacking() if request.path_info == READY else None
        document = {"status": "unavailable", "lacking": lacking} if lacking else {"status": "ok"}
        return JsonResponse(document, status=503 if lacking else 200, headers={"Cache-Control": "no-store"})


def find_lacking() -> str | None:
    """What keeps this process from serving: ``server`` (it ends), ``database``, ``migrations`` or ``worker``."""
    if Draining.has_begun:
        return "server"
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(_STATEMENT_TIMEOUT)])
            cursor.execute("SELECT app, name FROM django_migrations")
            if not _find_migrations() <= set(cursor.fetchall()):
                return "migrations"
            has_worker = count_workers() > 0
    except (DatabaseError, InterfaceError) as error:
        logger.warning("The database cannot be used", exc_info=error)
        return "database"
    is_expected = settings.WORKERS > 0 or bool(settings.CELERY_BROKER_URL)
    if has_worker or not is_expected or (settings.CELERY_BROKER_URL and count_listeners() > 0):
        return None
    return "worker"


@functools.cache
def _find_migrations() -> set[tuple[str, str]]:
    return set(MigrationLoader(None).disk_migrations)
