"""Rows as requests bring them, and as they are staged."""

from __future__ import annotations

from typing import Any

from importsvc.imports.models import Import
from importsvc.imports.rows import read_attribute
from importsvc.imports.staging import read_document
from importsvc.text.json_stream import JsonReader, read_pieces


def bring_rows(text: str) -> Any:
    """What services are given if this JSON is ``import_data`` of a request, as JSON and not as a string that holds it.

    Raises:
        JsonError: the text is not JSON, and so in no document.
    """
    reader = JsonReader(read_pieces(iter([text])))
    rows = read_attribute(reader)
    reader.expect_end()
    return rows


def read_staged(import_: Import) -> str:
    """The staged rows of an import as JSON."""
    return "".join(read_document(import_.organization_id, import_.pk))
