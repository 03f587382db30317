"""What a mapping says: which headers fill which targets, by which steps, in which formats."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from typing import Any, Literal

from importsvc.files.mapping.targets import Kind

DateOrder = Literal["dmy", "mdy", "ymd"]
DecimalSign = Literal[".", ","]
Scalar = str | int | float | bool | None

# Among the ignored headers it stands for all headers that fill no target.
ALL_OTHERS = "*"


@dataclass(frozen=True)
class Constant:
    """The same value for every row, in a column without headers."""

    value: Scalar


@dataclass(frozen=True)
class Split:
    """A text split in two at its first or last white space. A text without it fills the first target only."""

    at: Literal["first_space", "last_space"]


@dataclass(frozen=True)
class Join:
    """The cells of several headers that are not blank, with a separator between them."""

    separator: str


@dataclass(frozen=True)
class StripPrefix:
    """Text without its prefix, where it has it."""

    prefix: str


@dataclass(frozen=True)
class Separate:
    """A list of the texts between separators, each trimmed; blank ones are left out."""

    by: str


Step = Constant | Split | Join | StripPrefix | Separate


@dataclass(frozen=True)
class ColumnMapping:
    """A column of a file, or several, and the targets that it fills.

    Attributes:
        headers: of the file: none with a ``Constant``, several with a ``Join``, otherwise one.
        targets: their names: two with a ``Split``, otherwise one.
        steps: in the order in which they are taken.
        values: what to take for a value of the file, by that value; compared trimmed and case-insensitively. Other
            values stay as they are. With a ``Separate`` they are looked up one by one, and null leaves one out.
        kind: of a target that is a member of an object, as ``person.custom_fields.size``.
        sheet: the only sheet that is meant; ``None`` for any.
    """

    headers: tuple[str, ...]
    targets: tuple[str, ...]
    steps: tuple[Step, ...] = ()
    values: MappingOf[str, Scalar] = field(default_factory=dict)
    kind: Kind | None = None
    sheet: str | None = None


@dataclass(frozen=True)
class Formats:
    """How dates and numbers are written in the texts of a file; ``None`` if it is not known."""

    date_order: DateOrder | None = None
    decimal_sign: DecimalSign | None = None

    def or_else(self, detected: Formats) -> Formats:
        """These formats; where one is ``None``, the detected one."""
        return Formats(self.date_order or detected.date_order, self.decimal_sign or detected.decimal_sign)


@dataclass(frozen=True)
class Mapping:
    """All that is said of a file.

    Attributes:
        columns: the columns that fill targets.
        ignored: the headers of the columns that fill none; ``ALL_OTHERS`` for all the rest. A file with another column
            is not imported, so that no column is lost without a word.
        formats: declared for the file's texts.
        match_by: the unique column by which rows match existing records; ``None`` for that of each type.
        on_duplicate: what happens to rows that match an existing record.
        missing_companies: what happens to companies that the file only names: ``create`` makes rows of them, with
            ``error`` they have to exist.
    """

    columns: tuple[ColumnMapping, ...] = ()
    ignored: tuple[str, ...] = ()
    formats: Formats = Formats()
    match_by: str | None = None
    on_duplicate: Literal["error", "skip", "update"] = "error"
    missing_companies: Literal["create", "error"] = "create"

    def in_sheet(self, sheet: str | None) -> list[ColumnMapping]:
        """The columns that are meant in this sheet."""
        return [column for column in self.columns if column.sheet is None or column.sheet == sheet]


def write_mapping(mapping: Mapping) -> dict[str, Any]:
    """The mapping as JSON, which ``read_mapping`` reads back. Members with their default are left out of columns."""
    return {
        "columns": [write_column(column) for column in mapping.columns],
        "ignored": list(mapping.ignored),
        "formats": {"date_order": mapping.formats.date_order, "decimal_sign": mapping.formats.decimal_sign},
        "match_by": mapping.match_by,
        "on_duplicate": mapping.on_duplicate,
        "missing_companies": mapping.missing_companies,
    }


def write_column(column: ColumnMapping) -> dict[str, Any]:
    """A column of a mapping as JSON, without members that have their default."""
    written: dict[str, Any] = {"headers": list(column.headers), "targets": list(column.targets)}
    if column.steps:
        written["steps"] = [_write_step(step) for step in column.steps]
    if column.values:
        written["values"] = dict(column.values)
    if column.kind:
        written["kind"] = column.kind
    if column.sheet is not None:
        written["sheet"] = column.sheet
    return written


def _write_step(step: Step) -> dict[str, Any]:
    match step:
        case Constant(value):
            return {"step": "constant", "value": value}
        case Split(at):
            return {"step": "split", "at": at}
        case Join(separator):
            return {"step": "join", "separator": separator}
        case StripPrefix(prefix):
            return {"step": "strip_prefix", "prefix": prefix}
        case Separate(by):
            return {"step": "separate", "by": by}
