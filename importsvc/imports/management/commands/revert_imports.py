"""``manage.py revert_imports``: revert imports of any organization."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, get_args

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from importsvc.errors import DomainError, RecordNotFound
from importsvc.imports.actors import find_operator
from importsvc.imports.formatting import describe_conflicts, describe_refusal, describe_revert, describe_revert_preview
from importsvc.imports.selectors import select_revertible
from importsvc.imports.services import OnConflict, find_import, preview_revert, revert_import
from importsvc.management.output import USAGE, OutputCommand, Refused, read_positive

# As the API writes them.
SAMPLES = {"true": True, "false": False, "null": None}

SELECTION = ("organization_id", "samples", "since", "until", "import_model_id")


class Command(OutputCommand):
    """Prints a line for each import in the order of the reverts, and below it the first conflicts.

    Exits with 1 if a revert was or would be refused, 2 after wrong usage. If standard error is a terminal, it shows the
    progress.
    """

    help = (
        "Revert imports: remove the records that they created, and restore the ones that they updated. Each import is"
        " reverted in its own transaction; if one is refused, the command goes on with the next. Imports are named by"
        " id and reverted in the given order; name an import before the imports that it depends on. Or they are"
        " selected: all imports that were run, were not reverted and fulfil the given conditions, the last run first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The imports, the conflict policy, and whether it is a dry run."""
        parser.add_argument("import_ids", nargs="*", type=read_positive, metavar="ID", help="id of an import")
        selection = parser.add_argument_group("selection, in place of ids")
        selection.add_argument(
            "--organization",
            dest="organization_id",
            type=read_positive,
            metavar="ID",
            help="imports of this organization",
        )
        selection.add_argument(
            "--sample",
            dest="samples",
            action="append",
            choices=list(SAMPLES),
            help="imports whose attribute sample has this value; may be given several times",
        )
        selection.add_argument(
            "--since",
            type=_read_time,
            metavar="TIME",
            help="imports that were run at this time or later: a date (its start) or a date-time, as 2024-01-15 or"
            " 2024-01-15T09:30+01:00; in UTC unless it has an offset",
        )
        selection.add_argument(
            "--until", type=_read_time, metavar="TIME", help="imports that were run before this time"
        )
        selection.add_argument(
            "--import-model",
            dest="import_model_id",
            type=read_positive,
            metavar="ID",
            help="imports whose import_model_id is this one",
        )
        parser.add_argument(
            "--on-conflict",
            choices=get_args(OnConflict),
            default="refuse",
            help="what becomes of records that were changed or referred to since: refuse to revert the import (the"
            " default); keep the changes, and undo the rest; discard the changes. Records that are referred to are"
            " never removed",
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what would be reverted or refused")

    def handle(self, *, import_ids: list[int], on_conflict: OnConflict, dry_run: bool, **options: Any) -> None:
        """Revert the imports one after the other.

        Raises:
            CommandError: a revert was refused, or the usage is wrong.
        """
        selection = {name: options[name] for name in SELECTION if options[name] is not None}
        if bool(import_ids) == bool(selection):
            conditions = "--organization, --sample, --since, --until, --import-model"
            raise CommandError(f"Give either ids of imports or a selection by {conditions}", returncode=USAGE)
        import_ids = import_ids or _select(selection)
        if not import_ids:
            self.print_lines("No imports to revert")
        carry_out = _preview if dry_run else _revert
        done: list[_Line] = []
        # disable=None: no bar if standard error is not a terminal.
        for import_id in tqdm(import_ids, unit="import", leave=False, disable=None):
            done.append(line := carry_out(import_id, on_conflict))
            with tqdm.external_write_mode(file=sys.stdout):
                self.print_lines("\n  ".join([f"Import {import_id}: {line.text}", *line.conflicts]))
        document = {"dry_run": dry_run, "on_conflict": on_conflict, "imports": [line.document for line in done]}
        if refused := sum(line.is_refused for line in done):
            message = f"{refused} of {len(import_ids)} {'would be refused' if dry_run else 'refused'}"
            raise Refused(message, data=document)
        self.print_result(document)


class _Line(NamedTuple):
    """The result for an import, in words and as a document, and the first conflicts in words."""

    text: str
    document: Mapping[str, Any]
    conflicts: Sequence[str] = ()

    @property
    def is_refused(self) -> bool:
        """Whether the import is not reverted."""
        return bool(self.document["refusal"])


def _revert(import_id: int, on_conflict: OnConflict) -> _Line:
    try:
        organization = find_import(import_id=import_id).organization
        report = revert_import(
            organization=organization, import_id=import_id, on_conflict=on_conflict, actor=find_operator()
        )
    except DomainError as error:
        refusal = describe_refusal(error)
        document = _make_document(import_id, refusal=refusal, conflicts=error)
        return _Line(f"refused: {refusal}", document, describe_conflicts(error))
    counts = {name: getattr(report, name) for name in ("removed", "restored", "kept", "gone")}
    return _Line(describe_revert(report), _make_document(import_id, counts=counts))


def _preview(import_id: int, on_conflict: OnConflict) -> _Line:
    try:
        preview = preview_revert(organization=find_import(import_id=import_id).organization, import_id=import_id)
    except DomainError as error:
        why = describe_refusal(error)
        return _Line(f"would be refused: {why}", _make_document(import_id, refusal=why))
    described, conflicts = describe_revert_preview(preview.counts, on_conflict=on_conflict), preview.find_conflicts()
    counts = {
        name: {of: numbers[name] for of, numbers in preview.counts.items()}
        for name in ("removed", "restored", "conflict", "gone")
    }
    refusal = describe_refusal(conflicts) if conflicts and on_conflict == "refuse" else None
    text = f"would be refused: {refusal}; could {described}" if refusal else f"would {described}"
    document = _make_document(import_id, refusal=refusal, counts=counts, conflicts=conflicts)
    return _Line(text, document, describe_conflicts(conflicts))


def _make_document(
    import_id: int,
    *,
    refusal: str | None = None,
    counts: Mapping[str, Mapping[str, int]] | None = None,
    conflicts: DomainError | None = None,
) -> dict[str, Any]:
    """The result for an import as data: numbers of records by type, and conflicts in the form of the API's 409."""
    meta = (conflicts and conflicts.meta) or {}
    return {
        "id": import_id,
        "refusal": refusal,
        **(counts or {}),
        "conflicts": meta.get("conflicts", []),
        "conflict_count": meta.get("conflict_count", 0),
    }


def _select(selection: Mapping[str, Any]) -> list[int]:
    given = {**selection}
    if "samples" in given:
        given["samples"] = [SAMPLES[written] for written in given["samples"]]
    try:
        return select_revertible(**given)
    except RecordNotFound:
        raise CommandError(f"There is no organization {given['organization_id']}") from None


def _read_time(written: str) -> datetime:
    try:
        time = datetime.fromisoformat(written)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ArgumentTypeError(f"{written!r} is no date or date-time as in 2024-01-15 or 2024-01-15T09:30") from None
