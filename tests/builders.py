"""Records written directly into the database, where the API would take many requests or does not allow it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.crypto import get_random_string

from companies.models import Company
from importsvc.files.models import ImportFile, ImportModel
from importsvc.import_sessions.models import ImportSession
from importsvc.imports.models import Import, ImportState, Refusal
from importsvc.imports.rows import require_rows
from importsvc.imports.staging import store_rows
from importsvc.operations.models import Operation, Progress
from importsvc.webhooks.events import Event
from importsvc.webhooks.models import WebhookDelivery, WebhookEndpoint
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


def make_operation(*, creator: Person, kind: str = "import", import_: Import | None = None, **fields: Any) -> Operation:
    """An operation that is not running, without rows; ``fields`` are those of ``Operation`` and ``Progress``."""
    of_progress = {name: fields.pop(name) for name in ("attempts", "started_at", "done", "total") if name in fields}
    organization = creator.organization
    operation = Operation.objects.create(
        organization=organization, creator=creator, kind=kind, import_record=import_, **fields
    )
    Progress.objects.create(organization=organization, operation=operation, **of_progress)
    return operation


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


def make_refusal(import_: Import, **fields: Any) -> Refusal:
    """A refusal of a run that the creator of the import sent, unless ``fields`` say otherwise."""
    creator = import_.creator
    values = {
        "kind": "import",
        "refused_at": timezone.now(),
        "refused_by": {"kind": "person", "name": str(creator), "id": creator.pk},
        "errors": [{"code": "conflict", "detail": "Not now", "attribute": None, "meta": None}],
        **fields,
    }
    return Refusal.objects.create(organization=import_.organization, import_record=import_, **values)


# 32 bytes, and 32 others.
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
OTHER_SECRET = "whsec_MTAyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


def make_endpoint(*, organization: Organization, **fields: Any) -> WebhookEndpoint:
    """An endpoint of webhooks, which subscribes to all events unless ``fields`` say otherwise."""
    values = {"url": "https://example.com/hooks", "events": Event.values, "secret": SECRET, **fields}
    return WebhookEndpoint.objects.create(organization=organization, **values)


def make_import_model(*, organization: Organization, name: str = "Contacts", **fields: Any) -> ImportModel:
    """A saved mapping, of no column unless ``fields`` say otherwise."""
    return ImportModel.objects.create(organization=organization, name=name, **fields)


def make_import_file(*, creator: Person, **fields: Any) -> ImportFile:
    """A file in which nothing was detected, without its bytes."""
    empty: dict[str, Any] = {"guesses": {}, "sheets": [], "columns": []}
    values = {"size": 0, "sha256": "0" * 64, "format": "csv", "sampled_row_count": 0, **empty, **fields}
    return ImportFile.objects.create(organization=creator.organization, creator=creator, **values)


def make_import_session(*, person: Person, **fields: Any) -> ImportSession:
    """A session of an hour, that no link opens, unless ``fields`` say otherwise."""
    created_at = fields.pop("created_at", timezone.now())
    keys = {"prefix": get_random_string(8), "hashed_key": "x"}
    values = {"creator": person, **keys, "expires_at": created_at + timedelta(hours=1), "may_revert": True, **fields}
    return ImportSession.objects.create(
        organization=person.organization, person=person, created_at=created_at, **values
    )


def make_delivery(*, endpoint: WebhookEndpoint, event_id: str = "msg_1", **fields: Any) -> WebhookDelivery:
    """A delivery that is due, unless ``fields`` say otherwise."""
    payload = {"type": "import.processed", "timestamp": "2024-01-15T09:01:00.000+00:00", "data": {"import_id": "7"}}
    values = {"event": Event.IMPORT_PROCESSED, "payload": payload, "next_attempt_at": timezone.now(), **fields}
    return WebhookDelivery.objects.create(
        organization_id=endpoint.organization_id, endpoint=endpoint, event_id=event_id, **values
    )
