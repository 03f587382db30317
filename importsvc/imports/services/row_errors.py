"""The errors of staged rows as records, and what the errors of other rows may depend on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from django.db import connection

from importsvc.engine.errors import Code, RowError
from importsvc.engine.parse.rows import CleanChunk
from importsvc.engine.plan.lookups import fold_values
from importsvc.imports.models import Import, StagedChunk, StagedRowError
from importsvc.imports.rows import ImportRows
from importsvc.imports.services.cell_problems import NO_CELL, describe_cell, find_cell
from importsvc.imports.services.planning import OnErrors, Step, get_options, plan_chunks
from importsvc.imports.services.progress import Progress
from importsvc.imports.services.row_reading import StagedRow
from importsvc.postgres.compiled_queries import CompiledRecords, IsOneOf, Parameter
from importsvc.postgres.copy import array_literal, cell, copy_rows
from importsvc.text.display import printable

# Characters of a cell, and of a message, that are stored.
STORED_LENGTH = 1_000

_COLUMNS = (
    *("organization_id", "import_id", "record_type", "row", "number", "line", "sheet"),
    *("column", "header", "value", "code", "message", "other_row"),
)


class ErrorRecorder:
    """Writes the errors of an import's rows. The caller owns the transaction.

    Attributes:
        error_count: the number of errors that were written.
    """

    def __init__(self, import_: Import) -> None:
        """Delete the errors that the import has."""
        self.error_count = 0
        self._import = import_
        if import_.error_count is not None:
            select_errors(import_).delete()

    def add(self, step: Step) -> None:
        """Write the errors of a chunk."""
        errors, chunk = step.planned.errors, step.chunk
        if errors:
            rows = {}
            for row in {error.row for error in errors}:
                index = row - chunk.first_row
                line = None if chunk.lines is None else chunk.lines[index]
                rows[row] = StagedRow(row, step.rows[index], line, chunk.sheet)
            write_errors(self._import, chunk.type_name, rows, errors)
            self.error_count += len(errors)


def check_staged(
    import_: Import, rows: ImportRows, *, progress: Progress | None = None, on_errors: OnErrors | None = None
) -> None:
    """Find all errors of the staged rows, and replace those that are stored. The caller has locked the import.

    ``rows`` are the staged ones, or those that were staged last. Sets ``error_count``, which the caller saves.
    ``on_errors`` is called with the row errors of each chunk.

    Raises:
        ImportDataInvalid: there are no rows.
    """
    recorder = ErrorRecorder(import_)
    for step in plan_chunks(rows, get_options(import_, progress=progress, on_errors=on_errors)):
        recorder.add(step)
        select_chunks(import_, step.chunk.type_name).filter(first_row=step.chunk.first_row).update(
            keys=find_keys(step.clean), unknown_columns=step.clean.unknown_columns
        )
    import_.error_count = recorder.error_count


def write_errors(import_: Import, type_name: str, rows: Mapping[int, StagedRow], errors: Sequence[RowError]) -> None:
    """Write errors of rows of one type, those of a row in their order. ``rows`` has these rows by number."""
    if errors:
        copy_rows(StagedRowError._meta.db_table, _COLUMNS, _make_lines(import_, type_name, rows, errors))


def delete_errors(import_: Import, type_name: str, rows: Collection[int]) -> list[int | None]:
    """Delete the errors of these rows. Returns for each error the row that it repeats, if it is of that kind."""
    if not rows:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM imports_stagedrowerror WHERE organization_id = %s AND import_id = %s AND record_type = %s"
            " AND row = ANY(%s::int[]) RETURNING CASE WHEN code = %s THEN other_row END",
            [
                *(import_.organization_id, import_.pk, type_name),
                *(array_literal([str(row) for row in rows]), Code.REPEATED),
            ],
        )
        return [row for (row,) in cursor.fetchall()]


def read_errors(import_: Import, type_name: str, rows: Collection[int]) -> list[StagedRowError]:
    """The errors of these rows, in the order of the rows and then in that in which they are reported."""
    return _errors_of_rows().fetch(
        organization=import_.organization_id,
        import_id=import_.pk,
        record_type=type_name,
        rows=array_literal([str(row) for row in rows]),
    )


@cache
def _errors_of_rows() -> CompiledRecords:
    errors = StagedRowError.objects.filter(
        organization_id=Parameter("organization"),
        import_record_id=Parameter("import_id"),
        record_type=Parameter("record_type"),
    )
    errors = errors.filter(IsOneOf("row", Parameter("rows")))
    return CompiledRecords(errors.order_by("row", "number"))


def select_errors(import_: Import, type_name: str | None = None) -> Any:
    """The errors of an import, or of its rows of one type."""
    errors = StagedRowError.objects.filter(organization_id=import_.organization_id, import_record_id=import_.pk)
    return errors if type_name is None else errors.filter(record_type=type_name)


def select_chunks(import_: Import, type_name: str) -> Any:
    """The staged chunks of a type."""
    return StagedChunk.objects.filter(
        organization_id=import_.organization_id, import_record_id=import_.pk, record_type=type_name
    )


def find_keys(clean: CleanChunk) -> dict[str, list[Any]]:
    """The folded value of each row by column, such as ``{"email": ["ada@acme.test", null]}``: ``StagedChunk.keys``."""
    importable = clean.importable
    # The columns by which the errors of a row may depend on other rows, with the unique ones that compare their values.
    compared_by = {name: (importable.name, name) for name in importable.unique_columns}
    compared_by |= {reference.name: (reference.to, reference.by) for reference in importable.references}
    columns = [(key, clean.columns[importable.position(name)]) for name, key in compared_by.items()]
    return dict(zip(compared_by, fold_values(columns), strict=True))


def _make_lines(
    import_: Import, type_name: str, rows: Mapping[int, StagedRow], errors: Iterable[RowError]
) -> Iterator[str]:
    head = f"{import_.organization_id}\t{import_.pk}\t{type_name}\t"
    headers = import_.headers.get(type_name, {})
    row, number = 0, 0
    for error in errors:
        row, number = error.row, number + 1 if error.row == row else 0
        _, values, line, sheet = rows[row]
        header, value = find_cell(values, error.column)
        stored = (
            None if line is None else str(line),
            sheet,
            error.column,
            _show(headers.get(error.column, header)),
            None if value is NO_CELL else _show(describe_cell(value)),
            error.code,
            _show(error.message),
            None if error.other_row is None else str(error.other_row),
        )
        yield f"{head}{row}\t{number}\t" + "\t".join(map(cell, stored)) + "\n"


def _show(text: str | None) -> str | None:
    return None if text is None else printable(text, STORED_LENGTH)
