"""Refusals of the services of files."""

from __future__ import annotations

from importsvc.errors import Conflict, InvalidAttribute
from importsvc.files.reading.tables import FileRefused


class FileUnreadable(InvalidAttribute):
    """The file as a whole cannot be read. ``meta`` has the reason, which is a stable code, and the place, if any."""

    def __init__(self, refused: FileRefused, *, attribute: str | None = None) -> None:
        place = {"line": refused.line, "column": refused.column, "sheet": refused.sheet}
        meta = {"reason": refused.code, **{name: value for name, value in place.items() if value is not None}}
        super().__init__(refused.detail, attribute=attribute, meta=meta)


class FilePruned(Conflict):
    """The bytes of the file were deleted."""

    default_detail = "The bytes of this file were deleted after IMPORT_FILE_DAYS; upload it again"
