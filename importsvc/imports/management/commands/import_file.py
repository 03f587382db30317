"""``manage.py import_file``: import the rows of a file."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from django.core.management.base import CommandError, CommandParser

from importsvc.errors import DomainError
from importsvc.imports.actors import find_operator
from importsvc.imports.errors import ImportDataInvalid, RowsInvalid
from importsvc.imports.formatting import describe_counts, describe_planned_rows, describe_rows
from importsvc.imports.management.problems import COLUMNS, Problems, to_cells
from importsvc.imports.management.progress import ProgressBar
from importsvc.imports.models import OnDuplicate
from importsvc.imports.rows import ImportRows, read_file
from importsvc.imports.services import get_match_keys, import_rows, preview_rows
from importsvc.management.output import USAGE, OutputCommand, Refused, format_table, read_positive
from people.management.people import find_person_or_refuse
from people.models import Person

STANDARD_INPUT = "-"
SHOWN_ERRORS = 20


class Command(OutputCommand):
    """Prints what became of the rows, or a table of row errors.

    If standard error is a terminal, it shows the progress.
    """

    help = (
        "Import the rows of a JSON file: all of them, or none if there are row errors. FILE contains an object with an"
        " array of rows for each type, as import_data in the API. Exits with 0 after an import; 1 if it is refused; 2"
        " after wrong usage, or if a file cannot be read or written."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The file, the organization, the creator, and options."""
        parser.add_argument("file", metavar="FILE", help=f"a JSON file; {STANDARD_INPUT} is the standard input")
        parser.add_argument(
            "--organization", required=True, type=read_positive, metavar="ID", help="id of the organization"
        )
        parser.add_argument(
            "--email",
            required=True,
            metavar="CREATOR",
            help="address of the import's creator, a person of the organization, in upper or lower case",
        )
        parser.add_argument(
            "--on-duplicate",
            choices=OnDuplicate.values,
            default=OnDuplicate.ERROR.value,
            help="what becomes of a row that matches an existing record: it is an error (the default), it is skipped,"
            " or the record is updated",
        )
        parser.add_argument(
            "--match-by",
            choices=get_match_keys(),
            help="the column by which rows match existing records, of the types that have it; otherwise the name of a"
            " company and the email of a person",
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done; nothing is staged")
        parser.add_argument(
            "--errors-to",
            metavar="FILE.csv",
            help="write all row errors to this file; only its headers if there are none",
        )

    def handle(self, *, file: str, organization: int, email: str, errors_to: str | None, **options: Any) -> None:
        """Import the file.

        Raises:
            CommandError: the import is refused, and nothing was changed.
        """
        with (
            _convert_errors(errors_to or "", "written"),
            _open_table(errors_to) as errors_file,
            _convert_errors(file, "read"),
            _open(file) as opened,
        ):
            if errors_file is not None:
                csv.writer(errors_file).writerow(COLUMNS)
            creator = find_person_or_refuse(organization_id=organization, email=email)
            problems = Problems(keep_all=errors_to is not None)
            try:
                rows = read_file(opened)
                matching = {name: options[name] for name in ("on_duplicate", "match_by")}
                outcome = _import(creator, rows, problems, matching, is_dry_run=options["dry_run"])
            except RowsInvalid as invalid:
                problems.write(errors_file, rows.types)
                raise self._refuse(invalid, problems, rows.types) from None
            except ImportDataInvalid as invalid:
                raise CommandError(f"{_name(file)} {invalid.detail}") from None
            except DomainError as error:
                raise CommandError(str(error.detail)) from None
        if outcome["dry_run"]:
            lines = [f"Dry run, nothing was written: {describe_planned_rows(outcome['counts'])}"]
        else:
            lines = [f"Import {outcome['import_id']}: {describe_rows(outcome['counts'])}"]
        if any((outcome.get("without_key") or {}).values()):
            again = describe_counts(outcome["without_key"])
            lines.append(f"Rows without a key, which the same file would create again: {again}")
        self.print_result(outcome, *lines)

    def _refuse(self, invalid: RowsInvalid, problems: Problems, types: Sequence[str]) -> CommandError:
        """Print the first row errors, and return the error to raise."""
        count = invalid.errors.error_count
        listed = problems.list(types)
        shown = listed[:SHOWN_ERRORS]
        self.print_lines(*format_table(COLUMNS, list(map(to_cells, shown))))
        if count > len(shown):
            self.print_lines(f"and {count - len(shown)} more")
        documented = [{name: getattr(problem, name) for name in COLUMNS} for problem in listed]
        what = "1 row error" if count == 1 else f"{count} row errors"
        return Refused(f"{what}, nothing imported", data={"row_errors": documented, "row_error_count": count})


def _import(
    creator: Person, rows: ImportRows, problems: Problems, matching: Mapping[str, Any], *, is_dry_run: bool
) -> dict[str, Any]:
    """Import or preview the rows, and return the result document. ``matching`` is how they match records.

    Raises:
        DomainError: the import is refused.
    """
    with closing(ProgressBar()) as progress:
        if is_dry_run:
            preview = preview_rows(
                organization=creator.organization,
                import_data=rows,
                progress=progress,
                on_errors=problems.add,
                **matching,
            )
            if preview.refusal:
                raise preview.refusal
            without_key = {} if preview.without_key is None else {"without_key": preview.without_key}
            return {"import_id": None, "dry_run": True, "counts": preview.counts, **without_key}
        import_ = import_rows(
            organization=creator.organization,
            creator=creator,
            import_data=rows,
            actor=find_operator(),
            progress=progress,
            on_errors=problems.add,
            **matching,
        )
        return {"import_id": import_.pk, "dry_run": False, "counts": import_.counts}


@contextmanager
def _convert_errors(file: str, done: str) -> Iterator[None]:
    """Raise ``CommandError`` if the file cannot be ``read`` or ``written``."""
    try:
        yield
    except OSError as error:
        raise CommandError(f"{_name(file)} cannot be {done}: {error.strerror}", returncode=USAGE) from None


def _open(file: str) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdin.buffer) if file == STANDARD_INPUT else Path(file).open("rb")


def _open_table(file: str | None) -> AbstractContextManager[TextIO | None]:
    """A new CSV file; ``None`` without ``file``."""
    if file is None:
        return nullcontext()
    return Path(file).open("w", encoding="utf-8", errors="backslashreplace", newline="")


def _name(file: str) -> str:
    return "The standard input" if file == STANDARD_INPUT else file.encode("utf-8", "backslashreplace").decode()
