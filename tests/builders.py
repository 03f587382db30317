"""Records written directly into the database, where the API would take many requests or does not allow it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from companies.models import Company
from importsvc.imports.models import Import, ImportState
from importsvc.imports.rows import require_rows
from importsvc.imports.staging import store_rows
from organizations.models import Organization
from people.models import Person
from people.services import NewOrganization, create_organization

# The rows of the published page.
PUBLISHED_ROWS: dict[str, list[dict[str, str]]] = {
    "company": [{"name": "Import"}],
    "person": [
        {
            "Company": "Import",
            "First Name": "John",
            "Last Name": "Doe",
            "Email": "john@mail.com",
            "Title": "Contact",
        }
    ],
}

STARTED = datetime(2024, 1, 15, 9, 0, tzinfo=UTC)
PROCESSED = datetime(2024, 1, 15, 9, 1, tzinfo=UTC)
REVERTED = datetime(2024, 1, 15, 9, 2, tzinfo=UTC)

_TIME_STAMPS: dict[ImportState, dict[str, datetime]] = {
    ImportState.CREATED: {},
    ImportState.PROCESSED: {"started_at": STARTED, "processed_at": PROCESSED},
    ImportState.REVERTED: {"started_at": STARTED, "processed_at": PROCESSED, "reverted_at": REVERTED},
}


def rows_of_size(size: int) -> dict[str, Any]:
    """Rows to stage that take so many bytes, at least 14."""
    return {"company": [{"name": "x" * (size - len(json.dumps([{"name": ""}])))}]}


def make_organization(*, name: str = "Globex", **fields: Any) -> NewOrganization:
    """Another organization, with its first person and a token."""
    return create_organization(**{"name": name, "email": f"boss@{name.lower()}.test", "first_name": "Hank", **fields})


def make_company(*, organization: Organization, name: str, **fields: Any) -> Company:
    """A company."""
    return Company.objects.create(organization=organization, name=name, **fields)


def make_person(*, organization: Organization, first_name: str = "Grace", **fields: Any) -> Person:
    """A contact, unless ``fields`` make it a user."""
    return Person.objects.create(organization=organization, first_name=first_name, **fields)


def make_import(
    *, creator: Person, state: ImportState = ImportState.CREATED, import_data: object = None, **fields: Any
) -> Import:
    """An import with the time stamps of its state and perhaps staged rows, without the records it would write."""
    import_ = Import.objects.create(
        organization=creator.organization, creator=creator, **{**_TIME_STAMPS[state], **fields}
    )
    if import_data is not None:
        store_rows(import_, require_rows(import_data))
    return import_
