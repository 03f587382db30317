"""The last refused run or check of an import is kept until it is run, or its rows are replaced or corrected."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from importsvc.errors import InvalidAttribute
from importsvc.idempotency.models import IdempotencyKey
from importsvc.imports.actors import Actor
from importsvc.imports.models import Import, Refusal
from importsvc.imports.selectors import read_version
from importsvc.imports.services import import_rows, keep_refusal
from importsvc.imports.services.pruning import prune_imports
from importsvc.imports.services.transactions import lock_import
from importsvc.operations.models import Kind, Operation, Status
from importsvc.operations.work import run_next
from people.services import NewOrganization
from tests.builders import make_company, make_organization
from tests.client import ApiClient, assert_error
from tests.imports.steps import stage
from tests.interleaving import PATIENCE_SECONDS, threads
from tests.operations.queueing import queue

REDS: dict[str, Any] = {"company": [{"name": "Reds"}]}
TAKEN = {"company": [{"row": 1, "column": "name", "messages": ["Name has already been taken"]}]}
POINTER = {"pointer": "data/attributes/import_data"}


def read_kept(tenant: NewOrganization) -> list[dict[str, Any]]:
    """What is kept of the organization's imports, without the times."""
    fields = ("import_record_id", "kind", "refused_by", "errors", "row_error_count")
    return list(Refusal.objects.for_organization(tenant.organization).order_by("import_record_id").values(*fields))


def make_kept(caller: NewOrganization, import_: Import, **fields: Any) -> dict[str, Any]:
    """What is kept of a run that the caller sent, and that was refused because of the company's name."""
    error = {"code": "invalid_attribute", "detail": TAKEN, "attribute": "import_data", "meta": None}
    return {
        "import_record_id": import_.pk,
        "kind": "import",
        "refused_by": {"kind": "person", "name": "Ada Lovelace", "id": caller.person.pk},
        "errors": [error],
        "row_error_count": 1,
        **fields,
    }


def refuse(caller: NewOrganization, import_: Import) -> None:
    """Send a run that is refused, and kept."""
    assert ApiClient(caller).request("POST", f"imports/{import_.pk}/import").status_code == 422
    assert read_kept(caller)


@pytest.fixture
def import_(acme: NewOrganization) -> Import:
    """An import whose run is refused: a company of this name was created since."""
    import_ = stage(acme, REDS)
    make_company(organization=acme.organization, name="Reds")
    return import_


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "once"}])
def test_a_refused_run_is_kept_and_changes_neither_response_nor_import(
    acme: NewOrganization, import_: Import, headers: dict[str, str]
) -> None:
    api = ApiClient(acme, **headers)
    import_before = Import.objects.filter(pk=import_.pk).values().get()
    version = read_version(organization=acme.organization, import_id=import_.pk)
    before = timezone.now()

    response = api.request("POST", f"imports/{import_.pk}/import")

    assert_error(response, 422, "invalid_attribute", TAKEN, source=POINTER)
    assert read_kept(acme) == [make_kept(acme, import_)]
    assert before < Refusal.objects.for_organization(acme.organization).get().refused_at < timezone.now()
    assert Import.objects.filter(pk=import_.pk).values().get() == import_before
    assert read_version(organization=acme.organization, import_id=import_.pk) == version
    assert IdempotencyKey.objects.count() == len(headers)


@pytest.mark.django_db
def test_a_refused_check_is_kept_in_place_of_an_earlier_refusal(
    acme: NewOrganization, api: ApiClient, import_: Import
) -> None:
    refuse(acme, import_)

    response = api.request("POST", f"imports/{import_.pk}/check")

    detail = "The import keeps no rows with errors: on_row_error is 'refuse'"
    assert_error(response, 409, "conflict", detail)
    stored = {"code": "conflict", "detail": detail, "attribute": None, "meta": None}
    assert read_kept(acme) == [make_kept(acme, import_, kind="check", errors=[stored], row_error_count=None)]


@pytest.mark.django_db
def test_an_outdated_tag_leaves_what_is_kept(acme: NewOrganization, api: ApiClient, import_: Import) -> None:
    refuse(acme, import_)

    response = api.request("POST", f"imports/{import_.pk}/import", headers={"If-Match": '"old"'})

    assert response.status_code == 412
    assert read_kept(acme) == [make_kept(acme, import_)]


@pytest.mark.django_db
def test_all_row_errors_are_counted_and_the_first_thousand_are_kept(acme: NewOrganization, api: ApiClient) -> None:
    import_ = stage(acme, REDS)
    rows = {"company": [{"name": ""} for _ in range(1_200)]}

    assert api.send_import("POST", f"imports/{import_.pk}/import", import_data=rows).status_code == 422

    (kept,) = read_kept(acme)
    (error,) = kept["errors"]
    assert (kept["row_error_count"], error["meta"]) == (1_200, {"error_count": 1_200})
    assert len(error["detail"]["company"]) == 1_000


@pytest.mark.django_db
def test_what_was_never_an_import_leaves_nothing(acme: NewOrganization, api: ApiClient, import_: Import) -> None:
    api.send_import("POST", "imports", import_data=REDS)
    with pytest.raises(InvalidAttribute):
        import_rows(organization=acme.organization, creator=acme.person, import_data=REDS)
    api.request("POST", f"imports/{import_.pk + 1_000}/import")

    assert read_kept(acme) == []
    assert not Refusal.objects.exists()


@pytest.mark.django_db
def test_another_organization_neither_keeps_nor_sees_a_refusal(acme: NewOrganization, import_: Import) -> None:
    globex = make_organization()

    response = ApiClient(globex).request("POST", f"imports/{import_.pk}/import")

    assert response.status_code == 404
    assert read_kept(acme) == read_kept(globex) == []
    refuse(acme, import_)
    assert read_kept(globex) == []


@pytest.mark.django_db
def test_a_refused_update_or_revert_is_not_kept(acme: NewOrganization, api: ApiClient, import_: Import) -> None:
    assert api.send_import("PATCH", f"imports/{import_.pk}", import_data=REDS).status_code == 422
    assert api.request("PATCH", f"imports/{import_.pk}/revert").status_code == 409

    assert read_kept(acme) == []


@pytest.mark.django_db
def test_a_run_of_an_import_that_was_run_is_not_kept(acme: NewOrganization, api: ApiClient) -> None:
    import_id = api.run(REDS)

    assert api.request("POST", f"imports/{import_id}/import").status_code == 409
    assert read_kept(acme) == []


@pytest.mark.django_db
def test_a_run_clears_what_is_kept(acme: NewOrganization, api: ApiClient, import_: Import) -> None:
    refuse(acme, import_)

    attributes = {"import_data": {"company": [{"name": "Greens"}]}}
    assert api.send_import("POST", f"imports/{import_.pk}/import", **attributes).status_code == 200
    assert read_kept(acme) == []


@pytest.mark.django_db
def test_new_rows_clear_what_is_kept(acme: NewOrganization, api: ApiClient, import_: Import) -> None:
    refuse(acme, import_)

    attributes = {"import_data": {"company": [{"name": "Greens"}]}}
    assert api.send_import("PATCH", f"imports/{import_.pk}", **attributes).status_code == 200
    assert read_kept(acme) == []


@pytest.mark.django_db
def test_a_check_clears_what_is_kept(acme: NewOrganization, api: ApiClient) -> None:
    import_ = stage(acme, {"company": [{"name": ""}]}, on_row_error="stage")
    refuse(acme, import_)

    assert api.request("POST", f"imports/{import_.pk}/check").status_code == 200
    assert read_kept(acme) == []


@pytest.mark.django_db
def test_pruning_deletes_what_is_kept(acme: NewOrganization, import_: Import, settings: Settings) -> None:
    refuse(acme, import_)
    old = timezone.now() - timedelta(days=settings.UNRUN_IMPORT_DAYS + 1)
    Import.objects.filter(pk=import_.pk).update(created_at=old)

    prune_imports()

    assert read_kept(acme) == []


@pytest.mark.django_db(transaction=True)
def test_an_operation_keeps_its_errors_itself(acme: NewOrganization, api: ApiClient, import_: Import) -> None:
    queue(acme, Kind.IMPORT, import_)
    assert run_next()
    assert Operation.objects.for_organization(acme.organization).get().status == Status.FAILED

    assert read_kept(acme) == []


@pytest.mark.django_db(transaction=True)
def test_of_two_runs_at_once_that_are_refused_one_is_kept(acme: NewOrganization, import_: Import) -> None:
    with threads() as background:
        path = f"imports/{import_.pk}/import"
        runs = [background.start(lambda: ApiClient(acme).request("POST", path)) for _ in range(2)]
        statuses = [run.result(PATIENCE_SECONDS).status_code for run in runs]

    assert set(statuses) <= {422, 409}
    assert 422 in statuses
    assert read_kept(acme) == [make_kept(acme, import_)]


@pytest.mark.django_db(transaction=True)
def test_nothing_is_kept_or_waited_for_while_another_transaction_uses_the_import(
    acme: NewOrganization, import_: Import
) -> None:
    with threads() as background, transaction.atomic():
        lock_import(acme.organization, import_.pk)
        background.start(lambda: keep(acme, import_)).result(PATIENCE_SECONDS)

    assert read_kept(acme) == []
    keep(acme, import_)
    assert len(read_kept(acme)) == 1


@pytest.mark.django_db
def test_nothing_is_kept_of_replaced_rows(acme: NewOrganization, api: ApiClient, import_: Import) -> None:
    began_at = timezone.now()
    attributes = {"import_data": {"company": [{"name": "Greens"}]}}
    assert api.send_import("PATCH", f"imports/{import_.pk}", **attributes).status_code == 200

    keep(acme, import_, began_at=began_at)

    assert read_kept(acme) == []


@pytest.mark.django_db
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "once"}])
def test_a_refusal_that_cannot_be_written_is_logged_and_changes_no_response(
    acme: NewOrganization, import_: Import, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE imports_refusal ADD CHECK (kind <> 'import')")

    response = ApiClient(acme, **headers).request("POST", f"imports/{import_.pk}/import")

    assert_error(response, 422, "invalid_attribute", TAKEN, source=POINTER)
    assert read_kept(acme) == []
    assert f"The refusal of import {import_.pk} is not kept" in caplog.messages


def keep(tenant: NewOrganization, import_: Import, **options: Any) -> None:
    """Keep a refusal, as a request does."""
    keep_refusal(
        organization=tenant.organization,
        import_id=import_.pk,
        kind=Kind.IMPORT,
        error=InvalidAttribute("wrong"),
        actor=Actor("person", "Ada", tenant.person.pk),
        **{"began_at": timezone.now(), **options},
    )
