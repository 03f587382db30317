"""``manage.py prune``: delete rows that are stored for a limited time."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from importsvc.idempotency.services import prune
from importsvc.management.output import OutputCommand


class Command(OutputCommand):
    """Prints a line for each kind of row that is deleted."""

    help = (
        "Delete rows that are stored for a limited time: the responses to requests with an Idempotency-Key, after"
        " IDEMPOTENCY_KEY_HOURS. Works in many short transactions; run it once a day, by cron."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """``--dry-run``."""
        parser.add_argument("--dry-run", action="store_true", help="only say how many rows would be removed")

    def handle(self, *, dry_run: bool, **_: Any) -> None:
        """Delete the rows, or count them."""
        count = prune(dry_run=dry_run)
        keys = _count(count, "idempotency key")
        age = _count(settings.IDEMPOTENCY_KEY_HOURS, "hour")
        self.print_result(
            {"dry_run": dry_run, "idempotency_keys": count, "older_than_hours": settings.IDEMPOTENCY_KEY_HOURS},
            f"{'Would remove' if dry_run else 'Removed'} {keys} older than {age}",
        )


def _count(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"
