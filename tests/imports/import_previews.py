"""An import that would create and update, for tests of its preview."""

from __future__ import annotations

from typing import Any

from importsvc.engine.plan.plan import OnDuplicate
from importsvc.imports.models import Import
from importsvc.imports.services import ImportPreview, create_import, preview_import, run_import
from people.services import NewOrganization

ROWS: dict[str, list[dict[str, Any]]] = {
    "company": [{"name": "Reds", "due_days": 7}, {"name": "Greens"}],
    "person": [
        {"email": "ann@acme.test", "title": "Chief", "company": "Greens"},
        {"email": "bob@acme.test", "first_name": "Bob", "company": "Blues"},
    ],
}


def stage(acme: NewOrganization, rows: Any = ROWS, on_duplicate: OnDuplicate = "update") -> Import:
    """An import of these rows that is yet to be run."""
    return create_import(
        organization=acme.organization, creator=acme.person, import_data=rows, on_duplicate=on_duplicate
    )


def preview(import_: Import) -> ImportPreview:
    """What running it would do."""
    return preview_import(organization=import_.organization, import_id=import_.pk)


def run(import_: Import, *tags: str, **said: Any) -> Import:
    """Run it, if what it would do still has one of these tags."""
    return run_import(organization=import_.organization, import_id=import_.pk, if_match=tags, **said)
