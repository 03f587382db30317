"""Rows staged, corrected and turned into records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.utils import timezone

from importsvc.engine import registry
from importsvc.engine.batches import make_batches, read_ahead
from importsvc.engine.errors import PayloadError
from importsvc.engine.importable import Importable
from importsvc.engine.load import Defaults, load
from importsvc.engine.lookups import read_lookups
from importsvc.engine.payload import expect_types, stream_payload
from importsvc.engine.plan import Plan, make_plan
from importsvc.engine.rows import CleanRows, clean_pieces
from importsvc.imports.errors import ImportDataInvalid, RowsInvalid
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services.transactions import attempt, lock_import, lock_organization, require_state
from importsvc.imports.staging import store_import_data
from organizations.models import Organization
from people.models import Person


def create_import(
    *,
    organization: Organization,
    creator: Person,
    import_data: object,
    sample: bool | None = None,
    import_model_id: int | None = None,
) -> Import:
    """Stage rows, after checking all of them against what the organization has now.

    ``import_data`` is a string that holds JSON, or that JSON itself; ``sample`` null becomes ``False``.

    Raises:
        ImportDataInvalid, RowsInvalid: nothing is staged.
    """
    _make_valid_plan(organization, import_data)
    with transaction.atomic():
        import_ = Import.objects.create(
            organization=organization, creator=creator, sample=bool(sample), import_model_id=import_model_id
        )
        store_import_data(import_.pk, _to_text(import_data))
    del import_.import_data  # who wants it reads what is stored
    return import_


def update_import(
    *, organization: Organization, import_id: int, import_data: object, attributes: Mapping[str, Any]
) -> Import:
    """Replace the staged rows of an import that was not run yet, and whichever other attributes are given.

    ``attributes`` may hold ``sample`` and ``import_model_id``; a ``sample`` of null becomes ``False``.

    Raises:
        RecordNotFound, WrongState, ImportDataInvalid, RowsInvalid: nothing is changed.
    """
    with transaction.atomic():
        import_ = lock_import(organization, import_id)
        require_state(import_, ImportState.CREATED, "updated")
        _make_valid_plan(organization, import_data)
        store_import_data(import_id, _to_text(import_data))
        for name in attributes.keys() & {"sample", "import_model_id"}:
            setattr(import_, name, attributes[name])
        import_.sample = bool(import_.sample)
        import_.save(update_fields=["sample", "import_model_id"])
    return import_


def run_import(*, organization: Organization, import_id: int, import_data: object = None) -> Import:
    """Turn the rows into records, all of them in one transaction, or change nothing at all.

    ``import_data`` replaces what is staged, in the same transaction; ``None`` means: run what is staged.

    Raises:
        RecordNotFound, WrongState, ImportDataInvalid, RowsInvalid: nothing is changed.
        Conflict: others kept writing the same records at the same time; trying again later may succeed.
    """
    return attempt(lambda careful: _run_import(organization, import_id, import_data, careful=careful))


def _run_import(organization: Organization, import_id: int, import_data: object, *, careful: bool) -> Import:
    """Check while writing, or, if ``careful``, check everything first, as it takes to say everything that is wrong.

    Raises:
        PlanError: not careful, and a row is wrong.
    """
    import_ = lock_import(organization, import_id)
    require_state(import_, ImportState.CREATED, "imported")
    started_at = timezone.now()
    lock_organization(organization)
    defaults = Defaults(organization)
    with _make_plans(organization, import_.import_data if import_data is None else import_data, careful) as plans:
        for plan in plans:
            load(plan, organization=organization, import_id=import_id, defaults=defaults)
    if import_data is not None:  # not before: what is wrong with the rows may be what cannot be stored
        store_import_data(import_id, _to_text(import_data))
    import_.shared_values = defaults.describe()
    import_.started_at = started_at
    # The clock may be set back between two readings; the order of the time stamps may not.
    import_.processed_at = max(timezone.now(), started_at)
    import_.save(update_fields=["started_at", "processed_at", "shared_values"])
    return import_


@contextmanager
def _make_plans(organization: Organization, import_data: object, careful: bool) -> Iterator[Iterable[Plan]]:
    """The plan of what all rows become, or, if not careful, plans of some rows after the other.

    Careful means that nothing is wrong with the plan. The others are made when somebody asks for the next one, of rows
    that are read in advance; rows may be wrong, and a value may be taken that a constraint of the database guards.

    Raises:
        ImportDataInvalid, RowsInvalid: here or, if not careful, while plans are made.
    """
    if careful:
        yield [_make_valid_plan(organization, import_data)]
    else:
        importables = _importables()
        expected = expect_types(import_data, types=list(importables))
        batches = make_batches(_read_rows(import_data), importables, expected=expected)
        with read_ahead(batches) as all_rows:
            yield (_make_plan(organization, {rows.importable.name: rows}, trust_constraints=True) for rows in all_rows)


def _make_valid_plan(organization: Organization, import_data: object) -> Plan:
    """The plan of what all rows become.

    Raises:
        ImportDataInvalid, RowsInvalid: there is anything wrong with them.
    """
    plan = _make_plan(organization, clean_pieces(_read_rows(import_data), _importables()), trust_constraints=False)
    if not plan.is_valid:
        raise RowsInvalid(plan.errors)
    return plan


def _make_plan(organization: Organization, all_rows: Mapping[str, CleanRows], *, trust_constraints: bool) -> Plan:
    lookups = read_lookups(organization.pk, all_rows.values(), trust_constraints=trust_constraints)
    return make_plan(all_rows, lookups, dependency_order=_importables().values())


def _importables() -> dict[str, Importable]:
    """By name, those referred to first."""
    return {importable.name: importable for importable in registry.in_dependency_order()}


def _read_rows(import_data: object) -> Iterator[tuple[str, list[Any]]]:
    """The rows with the name of their type, piece by piece.

    Raises:
        ImportDataInvalid: there is something wrong with them as a whole.
    """
    if import_data is None or (isinstance(import_data, str) and not import_data.strip()):
        raise ImportDataInvalid("can't be blank")
    try:
        yield from stream_payload(import_data, types=list(_importables()))
    except PayloadError as error:
        raise ImportDataInvalid(str(error)) from None


def _to_text(import_data: object) -> str:
    return import_data if isinstance(import_data, str) else json.dumps(import_data, ensure_ascii=False)
