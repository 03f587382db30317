"""An import that would create and update, for tests of its preview."""

from __future__ import annotations

from typing import Any

from importsvc.imports.models import Import
from importsvc.imports.services import ImportPreview, preview_import

ROWS: dict[str, list[dict[str, Any]]] = {
    "company": [{"name": "Reds", "due_days": 7}, {"name": "Greens"}],
    "person": [
        {"email": "ann@acme.test", "title": "Chief", "company": "Greens"},
        {"email": "bob@acme.test", "first_name": "Bob", "company": "Blues"},
    ],
}


def preview(import_: Import) -> ImportPreview:
    """The preview of the import."""
    return preview_import(organization=import_.organization, import_id=import_.pk)
