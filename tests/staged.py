"""Rows as parsed from requests, and as staged."""

from __future__ import annotations

from typing import Any

from importsvc.imports.models import Import
from importsvc.imports.rows import read_attribute
from importsvc.imports.staging import read_document
from importsvc.text.json_stream import JsonReader
from importsvc.text.text_stream import read_parts


def bring_rows(text: str) -> Any:
    """The argument of services if this JSON is ``import_data`` of a request, as a value and not as a string.

    Raises:
        JsonError: the text is not JSON, and so in no document.
    """
    reader = JsonReader(read_parts(iter([text])))
    rows = read_attribute(reader)
    reader.expect_end()
    return rows


def read_staged(import_: Import) -> str:
    """The staged rows of an import as JSON."""
    return "".join(read_document(import_.organization_id, import_.pk))
