"""``manage.py prune``: delete rows that are stored for a limited time."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from importsvc.files.services import prune_import_files
from importsvc.guessing.services import prune_failures
from importsvc.idempotency.services import prune
from importsvc.import_sessions.services import prune_import_sessions
from importsvc.imports.services import prune_imports
from importsvc.management.output import OutputCommand
from importsvc.operations.services import prune as prune_operations
from importsvc.webhooks.services import prune_deliveries


class Command(OutputCommand):
    """Prints a line for each kind of row that is deleted."""

    help = (
        "Delete rows that are stored for a limited time: the responses to requests with an Idempotency-Key, after"
        " IDEMPOTENCY_KEY_HOURS; finished deliveries of webhooks, after WEBHOOK_DELIVERY_DAYS; finished operations,"
        " after OPERATION_DAYS; staged rows of imports that are not run, after UNRUN_IMPORT_DAYS; staged rows and"
        " the change log of imports that were run, after RUN_IMPORT_DAYS, if that is set; the bytes of files, after"
        " IMPORT_FILE_DAYS; counts of failed attempts to authenticate, when these count no more; and expired import"
        " sessions. Works in many short transactions; run it once a day, by cron."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """``--dry-run``."""
        parser.add_argument("--dry-run", action="store_true", help="only say how many rows would be removed")

    def handle(self, *, dry_run: bool, **_: Any) -> None:
        """Delete the rows, or count them."""
        keys, deliveries = prune(dry_run=dry_run), prune_deliveries(dry_run=dry_run)
        operations, imports = prune_operations(dry_run=dry_run), prune_imports(dry_run=dry_run)
        files, failures = prune_import_files(dry_run=dry_run), prune_failures(dry_run=dry_run)
        sessions = prune_import_sessions(dry_run=dry_run)
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
                "unrun_imports": imports.not_run,
                "unrun_imports_older_than_days": settings.UNRUN_IMPORT_DAYS,
                "run_imports": imports.run,
                "run_imports_older_than_days": settings.RUN_IMPORT_DAYS,
                "import_files": files,
                "import_files_older_than_days": settings.IMPORT_FILE_DAYS,
                "failure_counts": failures,
                "import_sessions": sessions,
            },
            f"{verb} {_count(keys, 'idempotency key')} older than {_count(hours, 'hour')}",
            f"{verb} {_count(deliveries, 'webhook delivery', 'webhook deliveries')} older than {_count(days, 'day')}",
            f"{verb} {_count(operations, 'operation')} older than {_count(operation_days, 'day')}",
            f"{verb} the staged rows of {_count(imports.not_run, 'import')} that {_was(imports.not_run)} not run for"
            f" {_count(settings.UNRUN_IMPORT_DAYS, 'day')}",
            _describe_run(imports.run, verb),
            f"{verb} the bytes of {_count(files, 'file')} older than {_count(settings.IMPORT_FILE_DAYS, 'day')}",
            f"{verb} {_count(failures, 'expired count')} of failed attempts to authenticate",
            f"{verb} {_count(sessions, 'expired import session')}",
        )


def _describe_run(imports: int, verb: str) -> str:
    """What became of the imports that were run, and what they can then not do."""
    if settings.RUN_IMPORT_DAYS is None:
        return "Imports that were run keep their staged rows and change log: RUN_IMPORT_DAYS is not set"
    return (
        f"{verb} the staged rows and the change log of {_count(imports, 'import')} that {_was(imports)} run more than"
        f" {_count(settings.RUN_IMPORT_DAYS, 'day')} ago and can then not be reverted"
    )


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _count(number: int, name: str, plural: str = "") -> str:
    return f"{number} {name if number == 1 else plural or f'{name}s'}"
