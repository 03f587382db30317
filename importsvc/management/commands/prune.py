"""``manage.py prune``: delete rows that are stored for a limited time."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from importsvc.idempotency.services import prune
from importsvc.management.output import OutputCommand
from importsvc.operations.services import prune as prune_operations
from importsvc.webhooks.services import prune_deliveries


class Command(OutputCommand):
    """Prints a line for each kind of row that is deleted."""

    help = (
        "Delete rows that are stored for a limited time: the responses to requests with an Idempotency-Key, after"
        " IDEMPOTENCY_KEY_HOURS; finished deliveries of webhooks, after WEBHOOK_DELIVERY_DAYS; and finished operations,"
        " after OPERATION_DAYS. Works in many short transactions; run it once a day, by cron."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """``--dry-run``."""
        parser.add_argument("--dry-run", action="store_true", help="only say how many rows would be removed")

    def handle(self, *, dry_run: bool, **_: Any) -> None:
        """Delete the rows, or count them."""
        keys, deliveries = prune(dry_run=dry_run), prune_deliveries(dry_run=dry_run)
        operations = prune_operations(dry_run=dry_run)
        hours, days = settings.IDEMPOTENCY_KEY_HOURS, settings.WEBHOOK_DELIVERY_DAYS
        operation_days = settings.OPERATION_DAYS
        verb = "Would remove" if dry_run else "Removed"
        self.print_result(
            {
                "dry_run": dry_run,
                "idempotency_keys": keys,
                "older_than_hours": hours,
                "webhook_deliveries": deliveries,
                "older_than_days": days,
                "operations": operations,
                "operations_older_than_days": operation_days,
            },
            f"{verb} {_count(keys, 'idempotency key')} older than {_count(hours, 'hour')}",
            f"{verb} {_count(deliveries, 'webhook delivery', 'webhook deliveries')} older than {_count(days, 'day')}",
            f"{verb} {_count(operations, 'operation')} older than {_count(operation_days, 'day')}",
        )


def _count(number: int, name: str, plural: str = "") -> str:
    return f"{number} {name if number == 1 else plural or f'{name}s'}"
