"""What is detected in a file, as fields of ``ImportFile``, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from importsvc.files.errors import FileUnreadable
from importsvc.files.models import ImportFile
from importsvc.files.reading.detecting import detect
from importsvc.files.reading.detection import DetectedColumn, DetectedSheet, Detection, Guess
from importsvc.files.reading.tables import FileRefused
from importsvc.spool import SpooledFile

# In the order in which they are shown.
OPTIONS = ("format", "encoding", "separator", "quote", "decimal_sign", "date_order", "header_row", "sheet")

# What JSON may have, and PostgreSQL does not store.
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


def detect_file(content: SpooledFile, *, content_type: str, overrides: Mapping[str, Any]) -> Detection:
    """What is detected in a file.

    Raises:
        FileUnreadable: the file as a whole cannot be read, with these overrides at least.
    """
    try:
        return detect(content, content_type=content_type or None, options=overrides)
    except FileRefused as refused:
        raise FileUnreadable(refused) from refused


def make_fields(detection: Detection) -> dict[str, Any]:
    """The fields of what was detected."""
    guesses = {name: getattr(detection, name) for name in OPTIONS}
    fields: dict[str, Any] = {name: guess.used for name, guess in guesses.items()}
    fields["guesses"] = {
        name: {"value": guess.value, "confidence": guess.confidence} for name, guess in guesses.items()
    }
    fields["sheets"] = [asdict(sheet) for sheet in detection.sheets]
    fields["columns"] = [asdict(column) for column in detection.columns]
    fields["line_count"] = detection.line_count
    fields["sampled_row_count"] = detection.sampled_row_count
    return {name: _make_storable(value) for name, value in fields.items()}


def read_detection(file: ImportFile) -> Detection:
    """What was detected in a file, from its fields."""
    return Detection(
        **{name: Guess(**file.guesses[name], used=getattr(file, name)) for name in OPTIONS},
        sheets=[DetectedSheet(**sheet) for sheet in file.sheets],
        line_count=file.line_count,
        columns=[read_column(column) for column in file.columns],
        sampled_row_count=file.sampled_row_count,
    )


def read_column(column: Mapping[str, Any]) -> DetectedColumn:
    """A column of ``ImportFile.columns``, without its proposal."""
    return DetectedColumn(**{name: value for name, value in column.items() if name != "proposal"})


def _make_storable(value: Any) -> Any:
    match value:
        case str():
            return _NOT_STORABLE.sub("\ufffd", value)
        case dict():
            return {_make_storable(name): _make_storable(each) for name, each in value.items()}
        case list() | tuple():
            return [_make_storable(each) for each in value]
        case _:
            return value
