"""``manage.py import_file``: import the rows of a file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import CommandError, CommandParser

from importsvc.errors import DomainError
from importsvc.files.errors import MappingRefused
from importsvc.files.models import OnDuplicate
from importsvc.imports.actors import find_operator
from importsvc.imports.errors import ImportDataInvalid, RowsInvalid
from importsvc.imports.formatting import describe_counts, describe_planned_rows, describe_rows
from importsvc.imports.management.file_options import add_file_arguments, make_request
from importsvc.imports.management.file_printing import (
    describe_preview,
    describe_problems,
    describe_refusal,
    write_preview,
    write_problems,
)
from importsvc.imports.management.problems import Problems, to_cells
from importsvc.imports.management.progress import ProgressBar
from importsvc.imports.models import OnRowError
from importsvc.imports.services import (
    ErrorFile,
    ErrorFileFormat,
    FilePreview,
    FileRequest,
    get_match_keys,
    import_file,
    preview_file,
)
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
        "Import the rows of a file: all of them, or none if there are row errors, unless --on-row-error says otherwise."
        " FILE is CSV with any separator, XLSX, ODS, JSON Lines or a JSON array of objects: columns are detected, and"
        " fill what is proposed for them unless options say otherwise. Or it is a JSON object with an array of rows for"
        " each type, as import_data in the API. Exits with 0 after an import; 1 if it is refused; 2 after wrong usage,"
        " or if a file cannot be read or written."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The file, the organization, the creator, and options."""
        parser.add_argument("file", metavar="FILE", help=f"a file; {STANDARD_INPUT} is the standard input")
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
            help="what becomes of a row that matches an existing record: it is an error (the default, unless the"
            " mapping says otherwise), it is skipped, or the record is updated",
        )
        parser.add_argument(
            "--match-by",
            choices=get_match_keys(),
            help="the column by which rows match existing records, of the types that have it; otherwise the name of a"
            " company and the email of a person, unless the mapping says otherwise",
        )
        parser.add_argument(
            "--on-row-error",
            choices=OnRowError.values,
            default=OnRowError.REFUSE.value,
            help="what becomes of an import with row errors: it is refused (the default), it is staged with them and"
            " not run, or rows with errors are skipped and the others imported",
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done; nothing is staged")
        parser.add_argument(
            "--preview",
            action="store_true",
            help="a dry run that also shows what was detected, the mapping, and the first rows",
        )
        parser.add_argument(
            "--errors-to",
            metavar="FILE.csv|xlsx",
            help="write the rows of the file that have errors to this one, with the reasons, to be corrected and"
            " imported again; of import_data, all row errors. By its ending it is a workbook or CSV. It has only"
            " headers if there are none",
        )
        add_file_arguments(parser)

    def handle(self, *, file: str, organization: int, email: str, errors_to: str | None, **options: Any) -> None:
        """Import the file.

        Raises:
            CommandError: the import is refused, and nothing was changed; or it is staged with row errors.
        """
        is_dry_run = options["dry_run"] or options["preview"]
        if is_dry_run and options["save_model"] is not None:
            raise CommandError("A dry run saves nothing: leave out --save-model", returncode=USAGE)
        with (
            _convert_errors(errors_to or "", "written"),
            _create(errors_to) as errors_file,
            _convert_errors(file, "read"),
            _open(file) as opened,
        ):
            creator = find_person_or_refuse(organization_id=organization, email=email)
            name = "" if file == STANDARD_INPUT else file
            try:
                request = make_request(opened, name=name, options=options)
                work = self._preview if is_dry_run else self._import
                format_: ErrorFileFormat = "xlsx" if (errors_to or "").lower().endswith(".xlsx") else "csv"
                if errors_file is None or not request.is_import_data:
                    problems = Problems(keep_all=False, is_mapped=not request.is_import_data)
                    work(creator, request, problems, options, None if errors_file is None else (format_, errors_file))
                    return
                problems = Problems(keep_all=True)
                try:
                    work(creator, request, problems, options, None)
                finally:
                    with _convert_errors(errors_to or "", "written"):
                        problems.write(errors_file, is_workbook=format_ == "xlsx")
            except ImportDataInvalid as invalid:
                raise CommandError(f"{_name(file)} {invalid.detail}") from None
            except MappingRefused as refused:
                raise self._refuse_mapping(refused) from None
            except DomainError as error:
                raise CommandError(describe_refusal(error, _name(file))) from None

    def _import(
        self,
        creator: Person,
        request: FileRequest,
        problems: Problems,
        options: dict[str, Any],
        errors_to: ErrorFile | None,
    ) -> None:
        """Import the file, and print the result.

        Raises:
            DomainError, CommandError: the import is refused, or staged with row errors.
        """
        try:
            with closing(ProgressBar()) as progress:
                import_ = import_file(
                    organization=creator.organization,
                    creator=creator,
                    request=request,
                    on_row_error=options["on_row_error"],
                    save_as=options["save_model"],
                    actor=find_operator(),
                    progress=progress,
                    on_errors=problems.add,
                    errors_to=errors_to,
                )
        except RowsInvalid as invalid:
            raise self._refuse(invalid, problems) from None
        self._print_errors(problems)
        if import_.counts is None:
            message = f"Import {import_.pk} is staged with {_count_errors(problems.count)}, and was not run"
            raise Refused(message, data={"import_id": import_.pk, **problems.document()})
        outcome = {"import_id": import_.pk, "dry_run": False, "counts": import_.counts}
        further = problems.document() if problems.count else {}
        self.print_result({**outcome, **further}, f"Import {import_.pk}: {describe_rows(import_.counts)}")

    def _preview(
        self,
        creator: Person,
        request: FileRequest,
        problems: Problems,
        options: dict[str, Any],
        errors_to: ErrorFile | None,
    ) -> None:
        """Print what an import would do.

        Raises:
            DomainError, CommandError: it would be refused.
        """
        with closing(ProgressBar()) as progress:
            preview = preview_file(
                organization=creator.organization,
                creator=creator,
                request=request,
                on_row_error=options["on_row_error"],
                progress=progress,
                on_errors=problems.add,
                errors_to=errors_to,
            )
        shown = write_preview(preview) if options["preview"] else {}
        if options["preview"]:
            self.print_lines(*describe_preview(preview, targets=request.targets))
        if preview.problems:
            raise self._refuse_mapping(preview.problems, shown)
        if preview.plan is None:
            raise ImportDataInvalid("has no rows")
        if preview.plan.refusal:
            raise self._refuse(preview.plan.refusal, problems, shown)
        self._print_errors(problems)
        self._print_plan(preview, problems, shown)

    def _print_plan(self, preview: FilePreview, problems: Problems, shown: dict[str, Any]) -> None:
        assert preview.plan is not None  # noqa: S101 - the caller has checked it
        counts = preview.plan.counts
        without_key = preview.plan.without_key
        outcome = {"import_id": None, "dry_run": True, "counts": counts, **shown}
        outcome |= {} if without_key is None else {"without_key": without_key}
        further = problems.document() if problems.count else {}
        lines = [f"Dry run, nothing was written: {describe_planned_rows(counts)}"]
        if any((without_key or {}).values()):
            again = describe_counts(without_key or {})
            lines.append(f"Rows without a key, which the same file would create again: {again}")
        self.print_result({**outcome, **further}, *lines)

    def _print_errors(self, problems: Problems) -> None:
        """Print the first row errors, if there are any."""
        shown = problems.list()[:SHOWN_ERRORS]
        if shown:
            columns = problems.shown_columns
            self.print_lines(*format_table(columns, [to_cells(problem, columns) for problem in shown]))
        if problems.count > len(shown):
            self.print_lines(f"and {problems.count - len(shown)} more")

    def _refuse(self, invalid: RowsInvalid, problems: Problems, shown: dict[str, Any] | None = None) -> CommandError:
        """Print the first row errors, and return the error to raise."""
        problems.sort(invalid.submitted)
        self._print_errors(problems)
        data = {**problems.document(), **(shown or {})}
        return Refused(f"{_count_errors(problems.count)}, nothing imported", data=data)

    def _refuse_mapping(self, refused: MappingRefused, shown: dict[str, Any] | None = None) -> CommandError:
        """Print the first problems of a mapping, and return the error to raise."""
        self.print_lines(*describe_problems(refused))
        count = len(refused.each)
        what = "1 problem of the mapping" if count == 1 else f"{count} problems of the mapping"
        return Refused(f"{what}, nothing imported", data={"problems": write_problems(refused), **(shown or {})})


@contextmanager
def _convert_errors(file: str, done: str) -> Iterator[None]:
    """Raise ``CommandError`` if the file cannot be ``read`` or ``written``."""
    try:
        yield
    except OSError as error:
        raise CommandError(f"{_name(file)} cannot be {done}: {error.strerror}", returncode=USAGE) from None


def _open(file: str) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdin.buffer) if file == STANDARD_INPUT else Path(file).open("rb")


def _create(file: str | None) -> AbstractContextManager[BinaryIO | None]:
    """A new file; ``None`` without ``file``."""
    return nullcontext() if file is None else Path(file).open("wb")


def _name(file: str) -> str:
    return "The standard input" if file == STANDARD_INPUT else file.encode("utf-8", "backslashreplace").decode()


def _count_errors(count: int) -> str:
    return "1 row error" if count == 1 else f"{count} row errors"
