"""The transactions of services: attempts, locks, the check of the import's state, and VACUUM after the commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from django.db import DatabaseError, connection, transaction

from importsvc.engine.schema import registry
from importsvc.errors import Busy, RecordNotFound
from importsvc.imports.errors import WrongState
from importsvc.imports.models import Import, ImportState
from importsvc.postgres.vacuum import vacuum_tables
from importsvc.postgres.write_conflicts import ATTEMPTS, is_write_conflict
from organizations.models import Organization

Result = TypeVar("Result")


def attempt(work: Callable[[], Result]) -> Result:
    """Do the work in a transaction, or in a savepoint of the caller's, and repeat it after a write conflict.

    Raises:
        Busy: the last attempt also ended with a write conflict.
    """
    is_part = connection.in_atomic_block
    for number in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic():
                result = work()
                if is_part:
                    _check_deferred_constraints()
                return result
        except DatabaseError as error:
            if not is_write_conflict(error):
                raise
            if number == ATTEMPTS:
                raise Busy("Others are writing the same records at this moment") from error
    raise AssertionError("the last attempt returns or raises")


def _check_deferred_constraints() -> None:
    """Check them before the savepoint is released, so that a violation leads to another attempt."""
    with connection.cursor() as cursor:
        # Until the transaction ends. Django's check_constraints() would defer all constraints afterwards.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def lock_import(organization: Organization, import_id: int) -> Import:
    """The import, locked until the end of the transaction: one transition at a time."""
    locked = Import.objects.for_organization(organization).select_for_update(no_key=True)
    import_ = locked.filter(pk=import_id).first()
    if import_ is None:
        raise RecordNotFound
    import_.organization = organization
    return import_


def lock_organization(organization: Organization) -> Organization:
    """Read and lock the organization: it runs or reverts one import at a time.

    Other transactions may still write records that refer to it.
    """
    return Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)


def require_state(import_: Import, state: ImportState, move: str) -> None:
    """Raise ``WrongState`` unless the import is in this state (contract, section 2.4); ``move`` is a participle."""
    if import_.state != state:
        raise WrongState(import_.state, move)


def vacuum_after_commit(records: Mapping[str, int]) -> None:
    """Vacuum the tables of types of which many records were written, when the outermost transaction has committed.

    ``records`` are numbers of records by type. A transaction or savepoint that is rolled back vacuums nothing.
    """
    rows = {registry.get(name).model._meta.db_table: count for name, count in records.items()}
    # Robust: an error cannot undo the commit, and must not be the response.
    transaction.on_commit(lambda: vacuum_tables(rows), robust=True)
