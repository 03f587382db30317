"""An import that is not to be run loses its rows at once."""

from __future__ import annotations

from typing import Any

import pytest

from importsvc.errors import Conflict, DomainError, PreconditionFailed, RecordNotFound
from importsvc.imports.errors import ImportPruned, WrongState
from importsvc.imports.failures import select_failed
from importsvc.imports.models import Import, ImportState, Refusal, StagedChunk, StagedRowError
from importsvc.imports.selectors import read_version
from importsvc.imports.services import discard_import, run_import, update_import
from importsvc.operations.models import Kind
from people.services import NewOrganization
from tests.builders import make_refusal
from tests.operations.queueing import ROWS, create, queue

pytestmark = pytest.mark.django_db

WRONG: dict[str, Any] = {"person": [{"first_name": "Ada"}, {"email": "none"}]}


def test_rows_errors_and_the_kept_refusal_are_deleted_and_the_import_stays(acme: NewOrganization) -> None:
    import_ = create(acme, WRONG, on_row_error="stage")
    other = create(acme, WRONG, on_row_error="stage")
    make_refusal(import_)
    version = read_version(organization=acme.organization, import_id=import_.pk)

    discard_import(organization=acme.organization, import_id=import_.pk, if_match=[version])

    for model in (StagedChunk, StagedRowError, Refusal):
        assert not model.objects.filter(import_record_id=import_.pk).exists()
    assert StagedChunk.objects.filter(import_record_id=other.pk).exists()
    import_ = Import.objects.get(pk=import_.pk)
    assert (import_.state, import_.error_count, import_.pruned_at is None) == (ImportState.CREATED, None, False)
    assert list(select_failed(Import.objects.all())) == [other]
    with pytest.raises(ImportPruned):
        run_import(organization=acme.organization, import_id=import_.pk)


def test_new_rows_may_be_staged_in_it(acme: NewOrganization) -> None:
    import_ = create(acme, WRONG, on_row_error="stage")
    discard_import(organization=acme.organization, import_id=import_.pk)

    update_import(organization=acme.organization, import_id=import_.pk, import_data=ROWS, attributes={})

    assert run_import(organization=acme.organization, import_id=import_.pk)
    assert Import.objects.get().state == ImportState.PROCESSED


def test_what_is_run_changed_queued_discarded_or_of_another_organization_is_refused(
    acme: NewOrganization, globex: NewOrganization
) -> None:
    run, queued, discarded, changed = (create(acme, {"person": [{"first_name": "Ada"}]}) for _ in range(4))
    run_import(organization=acme.organization, import_id=run.pk)
    queue(acme, Kind.IMPORT, queued)
    discard_import(organization=acme.organization, import_id=discarded.pk)
    foreign = create(globex)
    refusals: dict[int, tuple[type[DomainError], list[str] | None]] = {
        run.pk: (WrongState, None),
        queued.pk: (Conflict, None),
        discarded.pk: (ImportPruned, None),
        changed.pk: (PreconditionFailed, ["another"]),
        foreign.pk: (RecordNotFound, None),
    }
    staged = StagedChunk.objects.count()

    for import_id, (refusal, if_match) in refusals.items():
        with pytest.raises(refusal):
            discard_import(organization=acme.organization, import_id=import_id, if_match=if_match)

    assert StagedChunk.objects.count() == staged
