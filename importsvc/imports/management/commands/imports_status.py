"""``manage.py imports_status``: show imports of any organization."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.template.defaultfilters import filesizeformat

from importsvc.errors import RecordNotFound
from importsvc.imports.actors import read_actor
from importsvc.imports.failures import Failure, find_failure
from importsvc.imports.formatting import (
    describe_progress,
    describe_row_error_count,
    describe_rows,
    describe_stored_errors,
    describe_stored_revert,
    sort_by_type,
)
from importsvc.imports.selectors import ImportStatus, list_statuses, read_status
from importsvc.management.output import USAGE, OutputCommand, format_table, read_positive, to_cell, to_line

LIMIT = 20
NOTHING = "–"
LISTED = ("id", "state", "organization", "creator", "result", "staged", "created_at")
LIST_WIDTH = 100


class Command(OutputCommand):
    """Prints a line for each fact of one import, or a line for each of the latest imports."""

    help = (
        "Show an import, or the latest imports, newest first. Time stamps are in UTC. Staged rows are not read, only"
        " their size."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The import, or options of the list."""
        parser.add_argument("import_id", nargs="?", type=read_positive, metavar="ID", help="id of an import")
        parser.add_argument(
            "--organization", type=read_positive, metavar="ID", help="only imports of this organization"
        )
        parser.add_argument(
            "--limit", type=read_positive, metavar="COUNT", help=f"how many imports to list (default: {LIMIT})"
        )

    def handle(self, *, import_id: int | None, organization: int | None, limit: int | None, **_: Any) -> None:
        """Show the import or the list.

        Raises:
            CommandError: there is no such import or organization.
        """
        if import_id is None:
            self._list(organization, limit or LIMIT)
        elif organization is not None or limit is not None:
            raise CommandError("--organization and --limit are for lists, not for one import", returncode=USAGE)
        else:
            self._show(import_id)

    def _show(self, import_id: int) -> None:
        try:
            status = read_status(import_id=import_id)
        except RecordNotFound:
            raise CommandError(f"There is no import {import_id}") from None
        failure = find_failure(status.import_)
        facts = {**_describe(status), "failure": NOTHING if failure is None else _describe_failure(failure)}
        width = max(map(len, facts))
        document = {**_document(status), "failure": failure and _write_failure(failure)}
        self.print_result(document, *(to_line(f"{name:{width}}  {fact}") for name, fact in facts.items()))

    def _list(self, organization_id: int | None, limit: int) -> None:
        try:
            statuses = list_statuses(organization_id=organization_id, limit=limit)
        except RecordNotFound:
            raise CommandError(f"There is no organization {organization_id}") from None
        rows = [_summarize(status) for status in statuses]
        lines = format_table(LISTED, rows, width=LIST_WIDTH) if rows else ["No imports"]
        self.print_result({"imports": list(map(_document, statuses))}, *lines)


def _summarize(status: ImportStatus) -> list[str]:
    """The line of an import in the list: its creator by name, and of a reverted one what the revert did."""
    facts = _describe(status) | {"creator": str(status.import_.creator)}
    facts["result"] = facts["rows" if status.import_.revert_counts is None else "revert"]
    return [facts[name] if name == "result" else to_cell(facts[name]) for name in LISTED]


def _describe(status: ImportStatus) -> dict[str, str]:
    """The facts of an import, in words."""
    import_, creator = status.import_, status.import_.creator
    address = f" <{creator.email}>" if creator.email else ""
    return {
        "id": str(import_.pk),
        "state": status.state,
        "progress": NOTHING if status.progress is None else describe_progress(status.progress),
        "organization": f"{import_.organization} ({import_.organization_id})",
        "creator": f"{creator}{address} ({creator.pk})",
        "sample": {True: "true", False: "false", None: NOTHING}[import_.sample],
        "import_model_id": NOTHING if import_.import_model_id is None else str(import_.import_model_id),
        "on_duplicate": import_.on_duplicate,
        "match_by": import_.match_by or NOTHING,
        "rows": NOTHING if import_.counts is None else describe_rows(import_.counts),
        "created_at": _describe_time(import_.created_at),
        "started_at": _describe_time(import_.started_at),
        "processed_at": _describe_time(import_.processed_at),
        "processed_by": _describe_actor(import_.processed_by),
        "reverted_at": _describe_time(import_.reverted_at),
        "reverted_by": _describe_actor(import_.reverted_by),
        "reverted_with": import_.reverted_with or NOTHING,
        "revert": NOTHING if import_.revert_counts is None else describe_stored_revert(import_.revert_counts),
        "pruned_at": _describe_time(import_.pruned_at),
        "staged": filesizeformat(status.staged_bytes).replace("\xa0", " "),
    }


def _document(status: ImportStatus) -> dict[str, Any]:
    """The facts of an import, as data."""
    import_, creator = status.import_, status.import_.creator
    plain = ("sample", "import_model_id", "on_duplicate", "match_by")
    stamps = ("created_at", "started_at", "processed_at", "reverted_at", "pruned_at")
    return {
        "id": import_.pk,
        "state": status.state,
        "progress": status.progress,
        "organization": {"id": import_.organization_id, "name": import_.organization.name},
        "creator": {"id": creator.pk, "name": str(creator), "email": creator.email},
        **{name: getattr(import_, name) for name in plain},
        "counts": import_.counts and sort_by_type(import_.counts),
        **{name: _write_time(getattr(import_, name)) for name in stamps},
        "processed_by": import_.processed_by,
        "reverted_by": import_.reverted_by,
        "reverted_with": import_.reverted_with,
        "revert_counts": import_.revert_counts and sort_by_type(import_.revert_counts),
        "staged_bytes": status.staged_bytes,
    }


def _describe_failure(failure: Failure) -> str:
    """``2024-01-15 09:00:00 import by staff admin: 4 row errors``; without row errors, the first error."""
    first = next(iter(describe_stored_errors(failure.errors)), NOTHING)
    what = describe_row_error_count(failure.row_error_count) or first
    return f"{_describe_time(failure.failed_at)} {failure.kind} by {failure.actor}: {what}"


def _write_failure(failure: Failure) -> dict[str, Any]:
    return {
        "kind": failure.kind,
        "failed_at": _write_time(failure.failed_at),
        "actor": failure.actor.to_json(),
        "errors": failure.errors,
        "row_error_count": failure.row_error_count,
        "operation_id": failure.operation_id,
    }


def _write_time(time: datetime | None) -> str | None:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z") if time else None


def _describe_time(time: datetime | None) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if time else NOTHING


def _describe_actor(stored: dict[str, Any] | None) -> str:
    return str(read_actor(stored) or NOTHING)
