"""What a caller says of a file that is not stored yet, and what it is shown of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from importsvc.files.errors import MappingRefused
from importsvc.files.mapping.editing import HeaderTarget
from importsvc.files.models import ImportFile
from importsvc.files.reading.formats import find_format
from importsvc.files.reading.tables import JSON, FileRefused
from importsvc.imports.services.previewing import ImportPreview
from importsvc.spool import SpooledFile

# Rows of each type that a preview has.
FIRST_ROWS = 5

# Before the first value of a JSON text in UTF-8.
_BLANK = b"\xef\xbb\xbf \t\r\n"


@dataclass(frozen=True)
class FileRequest:
    """A file, and what the caller says of it.

    Attributes:
        content: its bytes.
        sha256: of the bytes, in hex.
        name: of the file; blank if it has none.
        options: some of ``importsvc.files.detecting.OPTIONS``, which replace what is detected.
        model: the name of a saved mapping or the key of a ready-made one; ``None`` takes the proposed mapping.
        targets, ignored: replace what the mapping says of single headers; see ``edit_mapping``.
        matching: ``on_duplicate`` and ``match_by`` in place of those of the mapping; ``None`` keeps one.
    """

    content: SpooledFile
    sha256: str
    name: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    model: str | None = None
    targets: Sequence[HeaderTarget] = ()
    ignored: Sequence[str] = ()
    matching: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_import_data(self) -> bool:
        """Whether the file is what ``import_data`` may be: it needs no mapping, and the caller says nothing of one."""
        if self.options or self.model is not None or self.targets or self.ignored:
            return False
        try:
            format_, _ = find_format(self.content)
        except FileRefused as refused:
            return refused.code == "empty_file"
        with self.content.open() as reader:
            return format_ == JSON and reader.read(1 << 16).lstrip(_BLANK).startswith(b"{")

    @property
    def matching_of_rows(self) -> dict[str, Any]:
        """What ``matching`` says, for rows that have no mapping."""
        return {name: value for name, value in self.matching.items() if value is not None}


class FirstRow(NamedTuple):
    """A row that the file gives: its number, its line in the file if it has been mapped, and its decoded value."""

    row: int
    line: int | None
    value: Any


@dataclass(frozen=True)
class FilePreview:
    """What is known of a file before it is imported.

    Attributes:
        file: what was detected and proposed; not stored. ``None`` if the file is ``import_data``.
        mapping: the document that would be used; ``None`` likewise.
        problems: what keeps the mapping from being used for the file; then there are no rows.
        first_rows: by type, the first ``FIRST_ROWS``.
        row_counts: by type, the number of rows.
        blank_row_count, unmapped_row_count: table rows that are left out: without any value, or with values only in
            columns that are not mapped.
        plan: what importing the rows would do.
    """

    file: ImportFile | None = None
    mapping: Mapping[str, Any] | None = None
    problems: MappingRefused | None = None
    first_rows: Mapping[str, Sequence[FirstRow]] = field(default_factory=dict)
    row_counts: Mapping[str, int] = field(default_factory=dict)
    blank_row_count: int = 0
    unmapped_row_count: int = 0
    plan: ImportPreview | None = None
