"""The errors of a few staged rows after a correction, and of all rows whose errors depend on them.

The errors of a row depend on other rows only by unique values, by the names in its references, and by unknown columns,
of which the first row has the error. ``StagedChunk.keys`` finds those rows; they are planned as if they were the whole
import.
"""

from __future__ import annotations

import json
from bisect import bisect
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain, groupby
from operator import attrgetter
from typing import Any

from django.db import connection

from importsvc.engine.errors import RowError
from importsvc.engine.parse.rows import RowCleaner
from importsvc.engine.plan.lookups import read_lookups
from importsvc.engine.plan.plan import TypePlanner
from importsvc.engine.schema import registry
from importsvc.engine.schema.importable import Importable
from importsvc.imports.models import Import
from importsvc.imports.services.changed_rows import LARGEST_RECHECK, ChangedRows
from importsvc.imports.services.planning import PlanOptions, get_options
from importsvc.imports.services.row_errors import check_staged, delete_errors, select_errors, write_errors
from importsvc.imports.services.row_reading import StagedRow, read_rows
from importsvc.imports.staging import StagedRows
from importsvc.postgres.copy import array_literal

_CHUNKS_AT_ONCE = 16

# Folded values by column.
Values = Mapping[str, Collection[str]]


class _TooManyRowsError(Exception):
    """So many rows depend on each other that a check of all rows takes no longer."""


def recheck(import_: Import, type_name: str, changed: ChangedRows) -> None:
    """Replace the stored errors of changed rows of a type and of the rows that depend on them.

    The caller has locked the import and written the rows and their keys. Sets ``error_count``, which the caller saves.
    """
    try:
        if len(changed.rows) > LARGEST_RECHECK:
            raise _TooManyRowsError
        _Recheck(import_).run(type_name, changed)
    except _TooManyRowsError:
        check_staged(import_, StagedRows(import_.organization_id, import_.pk))


class _Recheck:
    """A check of some rows of an import.

    ``_checked`` are the rows by type whose errors are replaced; ``_planned`` are these rows and those that they depend
    on.
    """

    def __init__(self, import_: Import) -> None:
        self._import = import_
        self._options: PlanOptions = get_options(import_)
        # By type the first rows of its chunks, and their unknown columns.
        self._first_rows: dict[str, list[int]] = {}
        self._unknown: dict[str, list[Mapping[str, int]]] = {}
        self._read_chunks()
        self._importables = [each for each in registry.in_dependency_order() if each.name in self._first_rows]
        self._checked: dict[str, set[int]] = {each.name: set() for each in self._importables}
        self._planned: dict[str, set[int]] = {each.name: set() for each in self._importables}
        # By type and column, as far as they are known.
        self._rows_of_values: dict[tuple[str, str], dict[str, list[int]]] = {}
        self._values_of_rows: dict[tuple[str, str], dict[int, str | None]] = {}
        # By type the rows that the deleted errors name; null for other errors.
        self._deleted: dict[str, list[int | None]] = {}
        self._read: dict[str, dict[int, StagedRow]] = {each.name: {} for each in self._importables}

    def _read_chunks(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT record_type, first_row, nullif(unknown_columns, '{}')::text FROM imports_stagedchunk"
                " WHERE organization_id = %s AND import_id = %s ORDER BY number",
                [self._import.organization_id, self._import.pk],
            )
            for name, first_row, unknown in cursor.fetchall():
                self._first_rows.setdefault(name, []).append(first_row)
                if unknown is not None:
                    self._unknown.setdefault(name, []).append(json.loads(unknown))

    def run(self, type_name: str, changed: ChangedRows) -> None:
        self._read[type_name] = {row: each for row, each in changed.rows.items() if each is not None}
        self._values_of_rows = {(type_name, column): dict(of_rows) for column, of_rows in changed.keys.items()}
        self._checked[type_name].update(changed.rows)
        self._checked[type_name].update(self._find_first_rows(type_name, changed.unknown).values())
        self._add_dependents(type_name, changed.values, changed.moved)
        self._add_context()
        more = 0
        planners: dict[str, TypePlanner] = {}
        for importable in self._importables:
            more += self._check_type(importable, planners)
        self._import.error_count = (self._import.error_count or 0) + more

    def _add_dependents(self, type_name: str, values: Values, moved: Values) -> None:
        """Add the rows whose errors depend on the changed ones."""
        names: dict[tuple[str, str], set[str]] = {}
        for importable in self._importables:
            name, checked = importable.name, self._checked[importable.name]
            for column in importable.unique_columns if name == type_name else ():
                checked.update(self._find_rows(name, column, values.get(column, ())))
            for reference in importable.references:
                asked = names.get((reference.to, reference.by), set())
                checked.update(self._find_rows(name, reference.name, asked))
            for column in importable.unique_columns:
                names[name, column] = set(moved.get(column, ())) if name == type_name else set()
                # Rows that refer to a row with errors have an error themselves.
                if self._options.leaves_out_errors:
                    names[name, column].update(self._read_values(name, column, checked))
                    if name == type_name:
                        names[name, column].update(values.get(column, ()))

    def _add_context(self) -> None:
        """Add the rows that the errors of the checked rows depend on."""
        for importable in self._importables:
            name, checked = importable.name, self._checked[importable.name]
            self._planned[name].update(checked)
            self._deleted[name] = delete_errors(self._import, name, checked)
            if self._options.get_on_duplicate(name) == "error" and not self._options.leaves_out_errors:
                self._planned[name].update(self._find_repeated_rows(name))
            else:
                for column in importable.unique_columns:
                    asked = self._read_values(name, column, checked)
                    self._planned[name].update(self._find_rows(name, column, asked))
            for reference in importable.references:
                if reference.to in self._planned:
                    asked = self._read_values(name, reference.name, checked)
                    self._planned[reference.to].update(self._find_rows(reference.to, reference.by, asked))

    def _find_repeated_rows(self, type_name: str) -> set[int]:
        """The rows that have values of the checked ones, if what the other rows are makes no difference.

        The rows of values that were changed are found already. Of the other values, rows repeat each other as before.
        """
        found = {
            row
            for (name, _), rows_of_values in self._rows_of_values.items()
            if name == type_name
            for rows in rows_of_values.values()
            for row in rows
        }
        return found.union(row for row in self._deleted[type_name] if row is not None)

    def _check_type(self, importable: Importable, planners: dict[str, TypePlanner]) -> int:
        """Replace the errors of the checked rows of a type; return how many more there are than before."""
        name, checked = importable.name, self._checked[importable.name]
        on_duplicate = self._options.get_on_duplicate(name)
        planners[name] = planner = TypePlanner(
            importable,
            on_duplicate=on_duplicate,
            earlier=planners,
            match_by=self._options.get_match_by(name),
            leaves_out_errors=self._options.leaves_out_errors,
        )
        if not self._planned[name]:
            return 0
        rows = self._read_rows(name)
        cleaner = RowCleaner(
            importable, may_match=on_duplicate != "error", unknown_columns=self._find_first_rows(name, None)
        )
        clean = cleaner.clean([each.value for each in rows], numbers=[each.row for each in rows])
        planned = planner.plan(clean, read_lookups(self._import.organization_id, planner.ask(clean)))
        if self._options.leaves_out_errors:
            # Of the other rows not all errors were found, and perhaps some that they do not have.
            others = select_errors(self._import, name).filter(row__in=self._planned[name] - checked)
            planner.refused = planner.refused & checked | clean.with_unknown | set(others.values_list("row", flat=True))
        errors: list[RowError] = [error for error in planned.errors if error.row in checked]
        write_errors(self._import, name, {each.row: each for each in rows}, errors)
        return len(errors) - len(self._deleted[name])

    def _read_rows(self, type_name: str) -> list[StagedRow]:
        """The rows to be planned, in order, without deleted ones."""
        rows = [each for row, each in self._read[type_name].items() if row in self._planned[type_name]]
        missing = sorted(self._planned[type_name] - self._read[type_name].keys())
        by_chunk = groupby(missing, key=partial(bisect, self._first_rows[type_name]))
        chunks = [list(rows_of_chunk) for _, rows_of_chunk in by_chunk]
        for start in range(0, len(chunks), _CHUNKS_AT_ONCE):
            wanted = list(chain.from_iterable(chunks[start : start + _CHUNKS_AT_ONCE]))
            rows += read_rows(self._import, type_name, wanted)
        return sorted(rows, key=attrgetter("row"))

    def _read_values(self, type_name: str, column: str, rows: Collection[int]) -> set[str]:
        """The folded values that rows have in a column."""
        known = self._values_of_rows.setdefault((type_name, column), {})
        missing = set(rows) - known.keys()
        if missing:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT row, keys -> %s ->> (row - first_row) FROM unnest(%s::int[]) AS row"
                    " JOIN imports_stagedchunk ON row >= first_row AND row < first_row + row_count"
                    "   AND keys IS NOT NULL"
                    " WHERE organization_id = %s AND import_id = %s AND record_type = %s",
                    [
                        *(column, array_literal([str(row) for row in missing])),
                        *(self._import.organization_id, self._import.pk, type_name),
                    ],
                )
                known.update(cursor.fetchall())
        return {value for row in rows if (value := known.get(row)) is not None}

    def _find_rows(self, type_name: str, column: str, values: Collection[str]) -> set[int]:
        """The rows that have one of these folded values in a column.

        Raises:
            _TooManyRowsError: there are too many.
        """
        known = self._rows_of_values.setdefault((type_name, column), {})
        new = set(values) - known.keys()
        if new:
            known.update((value, []) for value in new)
            values_of_rows = self._values_of_rows.setdefault((type_name, column), {})
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT first_row, (keys -> %s)::text FROM imports_stagedchunk"
                    " WHERE organization_id = %s AND import_id = %s AND record_type = %s"
                    " AND keys -> %s ?| %s::text[] LIMIT %s",
                    [
                        *(column, self._import.organization_id, self._import.pk, type_name),
                        *(column, array_literal(sorted(new)), LARGEST_RECHECK + 1),
                    ],
                )
                # Faster here than in PostgreSQL.
                for first_row, keys in cursor.fetchall():
                    in_chunk = json.loads(keys)
                    for value in new.intersection(in_chunk):
                        found = [first_row + place for place in _find_places(in_chunk, value)]
                        known[value] += found
                        values_of_rows.update(dict.fromkeys(found, value))
        rows = {row for value in values for row in known[value]}
        if len(rows) > LARGEST_RECHECK:
            raise _TooManyRowsError
        return rows

    def _find_first_rows(self, type_name: str, columns: Collection[str] | None) -> dict[str, int]:
        """The first row of the type with each of these unknown columns, or with any."""
        first: dict[str, int] = {}
        for unknown in self._unknown.get(type_name, ()):
            for column, row in unknown.items():
                if columns is None or column in columns:
                    first.setdefault(column, row)
        return first


def _find_places(values: Sequence[Any], wanted: str) -> Iterator[int]:
    """The positions of a value. An import has thousands of values, and ``index`` is faster than a loop over them."""
    place = -1
    with suppress(ValueError):
        while True:
            place = values.index(wanted, place + 1)
            yield place
