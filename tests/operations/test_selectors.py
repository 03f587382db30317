"""Which operation runs on an import is known from its worker's connection."""

from __future__ import annotations

from typing import Any

import pytest

from importsvc.imports.selectors import read_state
from importsvc.imports.services import Previewed, request_preview
from importsvc.operations.models import Kind
from importsvc.operations.selectors import find_latest, find_running
from people.services import NewOrganization
from tests.builders import make_import
from tests.operations.queueing import create, queue
from tests.operations.running import claimed
from tests.operations.workers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_operation_that_runs_on_an_import_is_found_while_its_worker_is_connected(
    acme: NewOrganization, globex: NewOrganization
) -> None:
    import_, other = create(acme), make_import(creator=acme.person)
    operation, next_one = queue(acme, Kind.IMPORT, import_), queue(acme, Kind.REVERT, import_)

    assert find_running(organization=acme.organization, import_id=import_.pk) is None
    with claimed(operation) as worker:
        assert find_running(organization=acme.organization, import_id=import_.pk) == operation
        assert find_running(organization=acme.organization, import_id=other.pk) is None
        assert find_running(organization=globex.organization, import_id=import_.pk) is None
        worker.close()
        wait_until(lambda: find_running(organization=acme.organization, import_id=import_.pk) is None)
    with claimed(next_one):
        assert find_running(organization=acme.organization, import_id=import_.pk) == next_one


def test_an_import_that_is_previewed_does_not_run_and_its_last_operation_is_another_one(acme: NewOrganization) -> None:
    import_ = create(acme)
    checked = queue(acme, Kind.CHECK, import_)
    of_import: dict[str, Any] = {"organization": acme.organization, "import_id": import_.pk}
    preview = request_preview(**of_import, creator=acme.person, previewed=Previewed.RUN).operation

    with claimed(preview) as worker:
        worker.connection.rollback()  # a preview locks nothing
        assert read_state(**of_import) == ("created", None)
        latest = find_latest(**of_import)
        assert latest is not None
        assert latest.operation == checked
