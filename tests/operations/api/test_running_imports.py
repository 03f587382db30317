"""An import shows that it is running, to clients that ask for it."""

from __future__ import annotations

from typing import Any

import pytest

from importsvc.imports.models import Import
from importsvc.imports.services import importing, revert_import, run_import
from importsvc.operations.models import Kind, Progress
from importsvc.operations.work import run_next
from importsvc.postgres.side_connection import open_side_connection
from people.services import NewOrganization
from tests.builders import make_import
from tests.client import ApiClient, document_of
from tests.interleaving import Gate, threads
from tests.operations.queueing import ROWS, create, queue
from tests.operations.running import claimed
from tests.operations.workers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def show(api: ApiClient, import_: Import) -> Any:
    """The state and the progress that the API shows."""
    return document_of(api.get(f"imports/{import_.pk}?fields[imports]=state,progress"))["data"]["attributes"]


def test_the_state_of_an_import_is_shown(api: ApiClient, acme: NewOrganization) -> None:
    import_ = create(acme)
    shown = [show(api, import_)]
    run_import(organization=acme.organization, import_id=import_.pk)
    shown.append(show(api, import_))
    revert_import(organization=acme.organization, import_id=import_.pk)
    shown.append(show(api, import_))

    assert shown == [{"state": state, "progress": None} for state in ("created", "processed", "reverted")]


@pytest.mark.parametrize("kind", [Kind.UPDATE, Kind.IMPORT, Kind.REVERT])
def test_an_import_on_which_an_operation_runs_shows_how_far_it_is(
    api: ApiClient, acme: NewOrganization, kind: Kind
) -> None:
    import_, other = create(acme), make_import(creator=acme.person)
    if kind == Kind.REVERT:
        run_import(organization=acme.organization, import_id=import_.pk)
    operation = queue(acme, kind, import_, import_data=ROWS if kind == Kind.UPDATE else None)
    before = show(api, import_)

    with claimed(operation):
        Progress.objects.update(phase="checking", done=1, total=2)
        shown = show(api, import_)
        assert show(api, other) == {"state": "created", "progress": None}
        # A transaction that refers to the import takes part in the lock of its row.
        queue(acme, Kind.REVERT, import_)
        assert show(api, import_) == shown

    assert before == {"state": "processed" if kind == Kind.REVERT else "created", "progress": None}
    progress = {"operation_id": operation.pk, "phase": "checking", "done": 1, "total": 2}
    assert shown == {"state": "running", "progress": progress}
    assert list(shown["progress"]) == list(progress)
    # PostgreSQL ends a session a moment after it was closed.
    wait_until(lambda: show(api, import_) == before)


def test_an_import_that_a_request_runs_is_running_without_an_operation(
    api: ApiClient, acme: NewOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_ = create(acme)
    gate = Gate(monkeypatch, importing, "_write")

    with threads() as background:
        run = background.start(lambda: run_import(organization=acme.organization, import_id=import_.pk))
        gate.wait()
        shown = show(api, import_)
        gate.open()
        assert run.result() == import_

    assert shown == {"state": "running", "progress": None}
    assert show(api, import_) == {"state": "processed", "progress": None}


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "a"}])
def test_the_response_to_a_run_shows_its_end(api: ApiClient, acme: NewOrganization, headers: dict[str, str]) -> None:
    path = f"imports/{create(acme).pk}/import?fields[imports]=state,progress"

    response = api.request("POST", path, headers=headers)

    assert document_of(response)["data"]["attributes"] == {"state": "processed", "progress": None}


def test_an_included_import_shows_that_it_is_running(
    api: ApiClient, acme: NewOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_ = create(acme)
    gate = Gate(monkeypatch, importing, "_write")
    operation = queue(acme, Kind.IMPORT, import_)
    path = f"operations/{operation.pk}?include=import&fields[imports]=state"

    with threads() as background:
        background.start(lambda: run_import(organization=acme.organization, import_id=import_.pk))
        gate.wait()
        (shown,) = document_of(api.get(path))["included"]
        gate.open()

    assert shown["attributes"] == {"state": "running"}


def test_lists_show_which_imports_are_running(api: ApiClient, acme: NewOrganization) -> None:
    imports = [create(acme, {"company": [{"name": name}]}) for name in ("a", "b")]
    operation = queue(acme, Kind.IMPORT, imports[1])

    with claimed(operation):
        document = document_of(api.get("imports?fields[imports]=state&include="))

    states = {each["id"]: each["attributes"] for each in document["data"]}
    assert states == {str(imports[0].pk): {"state": "created"}, str(imports[1].pk): {"state": "running"}}


def test_progress_is_visible_while_a_worker_runs(api: ApiClient, acme: NewOrganization) -> None:
    import_ = create(acme)
    operation = queue(acme, Kind.IMPORT, import_)

    # The organization's row is locked: the worker has claimed the operation, and waits.
    with open_side_connection() as other:
        other.ensure_connection()
        other.connection.autocommit = False
        with other.connection.cursor() as cursor:
            cursor.execute(
                "SELECT FROM organizations_organization WHERE id = %s FOR NO KEY UPDATE", [acme.organization.pk]
            )
        with threads() as background:
            running = background.start(run_next)
            while (shown := show(api, import_))["progress"] is None:
                assert not running.done()
            other.close()
            assert running.result() is True

    assert shown == {
        "state": "running",
        "progress": {"operation_id": operation.pk, "phase": None, "done": 0, "total": 0},
    }
    assert show(api, import_) == {"state": "processed", "progress": None}
