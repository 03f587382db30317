"""Makes rows of types, as JSON, from the rows of a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import compress, islice
from typing import Any

from importsvc.engine.schema.importable import Importable
from importsvc.files.mapping.cells import Unreadable, get_text
from importsvc.files.mapping.chunks import ChunkBuffer, MappedChunk
from importsvc.files.mapping.columns import Columns, TargetColumn, encode_value, encode_values, make_target_columns
from importsvc.files.mapping.derived import DerivedRows
from importsvc.files.mapping.document import Formats, Mapping
from importsvc.files.mapping.headers import HeaderIndex, name_column
from importsvc.files.mapping.sides import Side, join_parts, plan_sheet
from importsvc.files.reading.tables import TableRow, is_blank

# Table rows that are mapped at once. A table row may have megabytes, so there are fewer than rows of a chunk.
BATCH_ROWS = 256


class FileProgress:
    """What the mappers of a file's sheets share: the rows so far, and the records that they name.

    Attributes:
        row_counts: by type.
        derived: by type the rows that are derived from others.
        table_row_count: the number of table rows.
        blank_row_count: the number of table rows without any value. They are dropped.
        unmapped_row_count: the number of table rows whose values are all in columns that are not mapped.
    """

    def __init__(self) -> None:
        self.row_counts: dict[str, int] = {}
        self.derived: dict[str, DerivedRows] = {}
        self.table_row_count = 0
        self.blank_row_count = 0
        self.unmapped_row_count = 0


class RowMapper:
    """Maps the rows of one table."""

    def __init__(
        self,
        mapping: Mapping,
        *,
        headers: Sequence[str],
        sheet: str | None,
        formats: Formats,
        fold: Callable[[list[str]], list[str]],
        progress: FileProgress | None = None,
    ) -> None:
        """Prepare for a table.

        Args:
            mapping: has no problems with the table: see ``find_problems``.
            headers: of the table.
            sheet: its name.
            formats: of the file's texts: see ``Formats.or_else``.
            fold: gives texts in the form in which values of unique columns are compared; called for names of derived
                records that are not ASCII.
            progress: of the file, if several of its sheets are mapped.
        """
        self.progress = FileProgress() if progress is None else progress
        self._width = len(headers)
        self._sheet = sheet
        plan = plan_sheet(mapping, sheet)
        index = HeaderIndex(headers)
        columns = [
            column for mapped in mapping.in_sheet(sheet) for column in make_target_columns(mapped, index, formats)
        ]
        by_name = {column.target.name: column for column in columns}
        self._keys = {type_name: by_name[key] for type_name, key in plan.keys.items()}
        self._buffers = {
            importable.name: ChunkBuffer(
                importable.name, sheet, row_count=self.progress.row_counts.get(importable.name, 0)
            )
            for importable in (*plan.derived, *([plan.primary] if plan.primary else []))
        }
        self._primary = _Type(plan.primary, columns, self._keys) if plan.primary else None
        self._derived: list[tuple[_Type, DerivedRows]] = []
        for importable in plan.derived:
            by = plan.get_key_column(importable)
            rows = self.progress.derived.setdefault(importable.name, DerivedRows(importable, by, fold))
            others = [column for column in columns if column.target.column != by]
            self._derived.append((_Type(importable, others, self._keys), rows))

    def map_rows(self, rows: Iterable[TableRow]) -> Iterator[MappedChunk]:
        """The rows of the types that the table's rows give, in chunks. To be called once.

        A row of the primary type is made of each table row that has a value for it. Cells without a value are left
        out, cells beyond the header are members such as ``Column 9``. Rows of derived types come as they are named, or
        at the end if they have values, since later rows may add some.

        A cell that cannot be read is ``{"$unreadable": text, "because": …}``, and so is, in a reference, a value that
        contradicts what an earlier row says of the same record.
        """
        if self._primary is None:
            return
        remaining = iter(rows)
        while batch := list(islice(remaining, BATCH_ROWS)):
            yield from self._map_batch(self._primary, batch)
        for side, derived in self._derived:
            for line, text in derived.finish():
                yield from self._buffers[side.name].add([line], [text])
        for type_name, buffer in self._buffers.items():
            yield from buffer.flush()
            self.progress.row_counts[type_name] = buffer.row_count

    def map_alone(self, row: TableRow) -> dict[str, str]:
        """The rows that a table row gives whatever others say, as JSON by type. In place of ``map_rows``."""
        for _, derived in self._derived:
            derived.forget()
        return {chunk.type_name: chunk.text for chunk in self.map_rows([row])}

    def _map_batch(self, primary: _Type, batch: list[TableRow]) -> Iterator[MappedChunk]:
        row_count = len(batch)
        self.progress.table_row_count += row_count
        lines = [row.line for row in batch]
        columns, beyond = self._read_columns(batch)
        keys = {name: column.read(columns, row_count) for name, column in self._keys.items()}
        parts = primary.side.read(columns, row_count)
        references = primary.read_references(columns, keys, row_count)
        given = [part for part, is_given in references if is_given]
        present = join_parts([*parts, *given, *([beyond] if beyond else [])], row_count)
        used = [present, *map(encode_values, keys.values())] if not all(present) else []
        contradictions: dict[int, Unreadable] = {}
        for side, derived in self._derived:
            if side.is_only_named:
                rows = list(derived.add_names(keys[side.name], lines, present))
            else:
                own = side.side.read(columns, row_count)
                completed = side.complete(own, columns, keys, row_count)
                empty = [""] * row_count
                has_values = join_parts(own, row_count)
                used.append(has_values)
                values = [completed.get(name, empty) for name in derived.names]
                rows, found = derived.add_records(keys[side.name], values, has_values, lines, present)
                contradictions.update(found)
            if rows:
                yield from self._buffers[side.name].add([line for line, _ in rows], [text for _, text in rows])
        primary.refuse(references, contradictions)
        whole = [*primary.side.complete(parts), *(part for part, _ in references), *([beyond] if beyond else [])]
        texts = [f"{{{text[1:]}}}" for text in compress(join_parts(whole, row_count), present)]
        if not all(present):
            self._count_dropped(batch, join_parts(used, row_count))
        if texts:
            yield from self._buffers[primary.name].add(list(compress(lines, present)), texts)

    def _read_columns(self, batch: list[TableRow]) -> tuple[Columns, list[str]]:
        """The columns of the rows, and for each row the part of its cells beyond the header; empty if none has any."""
        width = self._width
        rows = [row.cells for row in batch]
        widths = set(map(len, rows))
        if widths == {width}:
            return list(zip(*rows, strict=True)), []
        columns = list(zip(*(_fit(cells, width) for cells in rows), strict=True)) if width else []
        return columns, [_write_beyond(cells, width) for cells in rows] if max(widths) > width else []

    def _count_dropped(self, batch: list[TableRow], used: list[str]) -> None:
        for row, text in zip(batch, used, strict=True):
            if not text:
                if all(map(is_blank, row.cells)):
                    self.progress.blank_row_count += 1
                else:
                    self.progress.unmapped_row_count += 1


class _Reference:
    """A reference to a derived type: filled by a column of its own, or by the name of the derived record."""

    def __init__(self, name: str, to: str, column: TargetColumn | None, key: TargetColumn) -> None:
        self.name = name
        self._key = key
        self.to = to
        self.column = column
        self.prefix = f",{encode_value(name)}:"

    def read(self, columns: Columns, keys: dict[str, Sequence[Any]], row_count: int) -> list[str]:
        if self.column is None or self.column is self._key:
            values = keys[self.to]
        else:
            values = self.column.read(columns, row_count)
        return [self.prefix + text if text else "" for text in encode_values(values)]


class _Type:
    """What the rows of a type are made of: its own columns, and references to derived types."""

    def __init__(self, importable: Importable, columns: Sequence[TargetColumn], keys: dict[str, TargetColumn]) -> None:
        own = {column.target.name: column for column in columns if column.target.type_name == importable.name}
        self.name = importable.name
        self.references: list[_Reference] = []
        for reference in importable.references:
            column = own.pop(f"{importable.name}.{reference.name}", None) if reference.to in keys else None
            others = {f"{importable.name}.{other.name}" for other in importable.references if other.to == reference.to}
            is_filled = reference.to in keys and not any(filled.to == reference.to for filled in self.references)
            if column is not None or (is_filled and not others & own.keys()):
                self.references.append(_Reference(reference.name, reference.to, column, keys[reference.to]))
        self.side = Side(list(own.values()))

    @property
    def is_only_named(self) -> bool:
        """Whether a derived record has nothing but its name."""
        return not self.side.fields and not self.references

    def read_references(
        self, columns: Columns, keys: dict[str, Sequence[Any]], row_count: int
    ) -> list[tuple[list[str], bool]]:
        """For each reference the parts of the rows, and whether a column of its own gives them."""
        return [
            (reference.read(columns, keys, row_count), reference.column is not None) for reference in self.references
        ]

    def complete(
        self, parts: list[list[str]], columns: Columns, keys: dict[str, Sequence[Any]], row_count: int
    ) -> dict[str, list[str]]:
        """All parts of the rows by column or reference."""
        names = [field.name for field in self.side.fields]
        completed = dict(zip(names, self.side.complete(parts), strict=True))
        for reference in self.references:
            completed[reference.name] = reference.read(columns, keys, row_count)
        return completed

    def refuse(self, references: list[tuple[list[str], bool]], contradictions: dict[int, Unreadable]) -> None:
        """Put contradictions in the place of the first reference to a derived type."""
        for index, unreadable in contradictions.items():
            references[0][0][index] = self.references[0].prefix + encode_value(unreadable)


def _fit(cells: Sequence[Any], width: int) -> Sequence[Any]:
    """The cells below the headers; ``None`` where the row is shorter."""
    return cells[:width] if len(cells) >= width else [*cells, *[None] * (width - len(cells))]


def _write_beyond(cells: Sequence[Any], width: int) -> str:
    """The part of the cells beyond the header, which are members of their own."""
    return "".join(
        f",{encode_value(name_column(position))}:{encode_value(get_text(cells[position]))}"
        for position in range(width, len(cells))
        if not is_blank(cells[position])
    )
