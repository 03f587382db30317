"""The records that rows of another type name: each becomes one row, however many rows name it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from importsvc.engine.errors import label
from importsvc.engine.schema.importable import Importable
from importsvc.files.mapping.cells import Unreadable
from importsvc.files.mapping.columns import encode_value
from importsvc.text.display import describe_value, printable

Fold = Callable[[list[str]], list[str]]
_Row = tuple[int, str]  # the line, and the row as a JSON object


class _Record:
    """A record with values, whose row is written after the last row that may add one."""

    __slots__ = ("line", "name", "parts")

    def __init__(self, line: int, name: str, parts: tuple[str, ...]) -> None:
        self.line = line
        self.name = name
        self.parts = parts


class DerivedRows:
    """The rows of a derived type. In memory are the distinct names, and the values of records that have any."""

    def __init__(self, importable: Importable, by: str, fold: Fold) -> None:
        """``by`` is the column whose value names a record; ``fold`` takes texts that are not ASCII."""
        self.by = by
        self.names = [name for name in importable.column_names if name != by]
        self._prefix = f"{encode_value(by)}:"
        references = {reference.name for reference in importable.references}
        self._is_reference = [name in references for name in self.names]
        self._fold = fold
        self._records: dict[str, _Record | None] = {}
        self._waiting: list[_Record] = []

    def forget(self) -> None:
        """Forget all records."""
        self._records, self._waiting = {}, []

    def add_names(self, names: Sequence[Any], lines: Sequence[int], present: Sequence[str]) -> Iterator[_Row]:
        """The rows of records that are named for the first time, and have no values.

        Args:
            names: as ``TargetColumn.read`` gives them.
            lines: of the table rows.
            present: the row of the primary type for each; a name that cannot be read is an error of that row.
        """
        given: dict[str, int] = {}
        for index, name in enumerate(names):
            if isinstance(name, str) and name:
                given.setdefault(name, index)
            elif name and not present[index]:
                yield lines[index], self._write(name, ())
        for (name, index), folded in zip(given.items(), self._fold_all(list(given)), strict=True):
            if folded not in self._records:
                self._records[folded] = None
                yield lines[index], self._write(name, ())

    def add_records(
        self,
        names: Sequence[Any],
        parts: Sequence[Sequence[str]],
        has_values: Sequence[str],
        lines: Sequence[int],
        present: Sequence[str],
    ) -> tuple[list[_Row], dict[int, Unreadable]]:
        """Add what table rows say of records.

        Args:
            names, lines, present: as of ``add_names``.
            parts: by column of ``names`` of this object the part of each row.
            has_values: for each row a text that is empty if no cell of the file gives a value.

        Returns:
            the rows of records without a name, and by index what contradicts an earlier row.
        """
        rows: list[_Row] = []
        contradictions: dict[int, Unreadable] = {}
        given = list(dict.fromkeys(name for name in names if isinstance(name, str) and name))
        folded = dict(zip(given, self._fold_all(given), strict=True))
        for index, (name, values) in enumerate(zip(names, zip(*parts, strict=True), strict=True)):
            if not isinstance(name, str) or not name:
                is_told_by_reference = name and present[index]
                if (name or has_values[index]) and not is_told_by_reference:
                    rows.append((lines[index], self._write(name, values)))
                continue
            record = self._records.get(folded[name])
            if record is None:
                record = _Record(lines[index], name, values)
                self._records[folded[name]] = record
                self._waiting.append(record)
            elif values != record.parts:
                contradiction = self._merge(record, values)
                if contradiction is None:
                    continue
                position, unreadable = contradiction
                if present[index]:
                    contradictions[index] = unreadable
                else:
                    refused = f",{encode_value(self.names[position])}:{encode_value(unreadable)}"
                    rows.append((lines[index], self._write(name, (refused,))))
        return rows, contradictions

    def finish(self) -> Iterator[_Row]:
        """The rows of all records that have values, in the order in which they were first named."""
        for record in self._waiting:
            yield record.line, self._write(record.name, record.parts)
        self._waiting = []

    def _merge(self, record: _Record, values: tuple[str, ...]) -> tuple[int, Unreadable] | None:
        """Fill what the record lacks; the first value that is another than before, by its position."""
        for position, (before, value) in enumerate(zip(record.parts, values, strict=True)):
            if before and value and before != value:
                if self._is_reference[position] and before.casefold() == value.casefold():
                    continue
                name = self.names[position]
                here, there = _show(name, value), _show(name, before)
                column = label(name).lower()
                because = f"has another {column} than in line {record.line}: {here} instead of {there}"
                return position, Unreadable(here, because)
        record.parts = tuple(before or value for before, value in zip(record.parts, values, strict=True))
        return None

    def _write(self, name: Any, parts: Sequence[str]) -> str:
        values = "".join(parts)
        return f"{{{self._prefix}{encode_value(name)}{values}}}" if name else f"{{{values[1:]}}}"

    def _fold_all(self, names: list[str]) -> list[str]:
        """The names in the form in which they are compared; the database is asked for those that are not ASCII."""
        foreign = [name for name in names if not name.isascii()]
        folded = dict(zip(foreign, self._fold(foreign), strict=True)) if foreign else {}
        return [folded[name] if name in folded else name.lower() for name in names]


def _show(name: str, part: str) -> str:
    """The value of a part for a message."""
    return printable(describe_value(json.loads(part.removeprefix(f",{encode_value(name)}:"))))
