"""What PostgreSQL knows of the service as a whole, for metrics. These statements are about all organizations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import connection
from django.db.models import Count, F, Max, Model, QuerySet
from django.db.models.functions import Now

from importsvc.imports.models import Import
from importsvc.operations.models import RUNNING, Kind, Operation, Status
from importsvc.operations.selectors import show_status
from importsvc.operations.worker import count_workers
from importsvc.webhooks.models import DeliveryStatus, WebhookDelivery

# Numbers by the values of labels; a single one by none.
Figures = Mapping[tuple[str, ...], float]

_ROWS = """
    SELECT type, outcome, sum(count::bigint)
    FROM {imports}, json_each(counts::json) AS of_type (type, outcomes), json_each_text(outcomes) AS of (outcome, count)
    GROUP BY type, outcome
    UNION ALL
    SELECT type, 'reverted', sum((outcomes->>'created')::bigint + (outcomes->>'updated')::bigint)
    FROM {imports}, json_each(counts::json) AS of_type (type, outcomes)
    WHERE reverted_at IS NOT NULL
    GROUP BY type
"""

_CONNECTIONS = """
    SELECT coalesce(state, 'unknown'), count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend'
    GROUP BY 1
"""


def count_unfinished_operations() -> Figures:
    """Operations by kind and status, ``queued`` and ``running``."""
    shown = Operation.objects.filter(status=Status.QUEUED).values_list("kind", show_status()).annotate(Count("pk"))
    empty: Figures = {(kind.value, status): 0.0 for kind in Kind for status in (Status.QUEUED.value, RUNNING)}
    return {**empty, **{(kind, status): count for kind, status, count in shown.order_by()}}


def count_finished_operations() -> Figures:
    """Operations by kind and status, as long as they are stored."""
    finished = [status for status in Status if status != Status.QUEUED]
    shown = Operation.objects.filter(status__in=finished).values_list("kind", "status").annotate(Count("pk"))
    empty: Figures = {(kind.value, status.value): 0.0 for kind in Kind for status in finished}
    return {**empty, **{(kind, status): count for kind, status, count in shown.order_by()}}


def get_queue_age() -> Figures:
    """The seconds for which the operation that was queued first waits to be begun; 0 if none waits."""
    waiting = Operation.objects.filter(status=Status.QUEUED).annotate(shown=show_status()).filter(shown=Status.QUEUED)
    return _get_longest(waiting, "queued_at")


def count_rows() -> Figures:
    """Rows of imports by type and outcome; those of imports that were reverted also as ``reverted``."""
    with connection.cursor() as cursor:
        cursor.execute(_ROWS.format(imports=_get_table(Import)))
        return {(kind, outcome): float(count) for kind, outcome, count in cursor}


def count_deliveries() -> Figures:
    """Deliveries of webhooks by status, as long as they are stored."""
    shown = WebhookDelivery.objects.values_list("status").annotate(Count("pk")).order_by()
    return {**{(status.value,): 0.0 for status in DeliveryStatus}, **{(status,): count for status, count in shown}}


def get_delivery_age() -> Figures:
    """The seconds since the creation of the oldest delivery that is pending; 0 if none is."""
    return _get_longest(WebhookDelivery.objects.filter(status=DeliveryStatus.PENDING), "created_at")


def count_connections() -> Figures:
    """Connections of clients to the database by state."""
    with connection.cursor() as cursor:
        cursor.execute(_CONNECTIONS)
        return {(state,): count for state, count in cursor}


def get_largest_number_of_connections() -> Figures:
    """How many connections the database server accepts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('max_connections')")
        return {(): float(cursor.fetchone()[0])}


def get_number_of_workers() -> Figures:
    """The workers of ``manage.py work`` that are connected to the database, on any host."""
    return {(): float(count_workers())}


def _get_longest(records: QuerySet[Any], column: str) -> Figures:
    longest = records.aggregate(longest=Max(Now() - F(column)))["longest"]
    return {(): max(0.0, longest.total_seconds()) if longest else 0.0}


def _get_table(model: type[Model]) -> str:
    return str(model._meta.db_table)
