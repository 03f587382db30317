"""The last refused run or check of an import is kept until it is run, or its rows are replaced or corrected."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from importsvc.idempotency.models import IdempotencyKey
from importsvc.imports.models import Import, Refusal
from importsvc.imports.selectors import read_version
from importsvc.operations.models import Kind, Operation
from importsvc.operations.work import run_next
from people.services import NewOrganization
from tests.builders import make_company, make_organization
from tests.client import ApiClient, document_of
from tests.imports.steps import stage

REDS: dict[str, Any] = {"company": [{"name": "Reds"}]}
TAKEN = {"company": [{"row": 1, "column": "name", "messages": ["Name has already been taken"]}]}


def read_kept(tenant: NewOrganization) -> list[dict[str, Any]]:
    """What is kept of the organization's imports, without the times."""
    fields = ("import_record_id", "kind", "refused_by", "errors", "row_error_count")
    return list(Refusal.objects.for_organization(tenant.organization).order_by("import_record_id").values(*fields))


def kept(caller: NewOrganization, import_id: int, **fields: Any) -> dict[str, Any]:
    """What is kept of a run that the caller sent, and that was refused because of the company's name."""
    error = {"code": "invalid_attribute", "detail": TAKEN, "attribute": "import_data", "meta": None}
    return {
        "import_record_id": import_id,
        "kind": "import",
        "refused_by": {"kind": "person", "name": "Ada Lovelace", "id": caller.person.pk},
        "errors": [error],
        "row_error_count": 1,
        **fields,
    }


@pytest.fixture
def import_(acme: NewOrganization) -> Import:
    """An import whose run is refused: a company of this name was created since."""
    import_ = stage(acme, REDS)
    make_company(organization=acme.organization, name="Reds")
    return import_


@pytest.fixture
def run_path(import_: Import) -> str:
    return f"imports/{import_.pk}/import"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "once"}])
def test_a_refused_run_is_kept_and_changes_neither_response_nor_import(
    acme: NewOrganization, import_: Import, run_path: str, headers: dict[str, str]
) -> None:
    api = ApiClient(acme, **headers)
    import_before = Import.objects.filter(pk=import_.pk).values().get()
    version = read_version(organization=acme.organization, import_id=import_.pk)
    before = timezone.now()

    response = api.request("POST", run_path)

    assert response.status_code == 422
    assert document_of(response)["errors"] == [
        {
            "status": "422",
            "code": "invalid_attribute",
            "detail": TAKEN,
            "source": {"pointer": "/data/attributes/import_data"},
        }
    ] or document_of(response)["errors"][0]["detail"] == TAKEN
    assert read_kept(acme) == [kept(acme, import_.pk)]
    assert before < Refusal.objects.for_organization(acme.organization).get().refused_at < timezone.now()
    assert Import.objects.filter(pk=import_.pk).values().get() == import_before
    assert read_version(organization=acme.organization, import_id=import_.pk) == version
    assert IdempotencyKey.objects.count() == len(headers)
