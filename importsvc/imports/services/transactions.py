"""The transactions of services: attempts, locks, the check of the import's state, and VACUUM after the commit."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

from django.db import DatabaseError, OperationalError, connection, transaction

from importsvc.engine.schema import registry
from importsvc.errors import Busy, RecordNotFound, Unavailable
from importsvc.imports.errors import ImportInUse, ImportPruned, WrongState
from importsvc.imports.models import Import, ImportState
from importsvc.postgres.compiled_queries import CompiledRecords, Parameter
from importsvc.postgres.transaction_limits import get_lock_timeout, is_lock_timeout, limit_transaction, may_wait
from importsvc.postgres.vacuum import vacuum_tables
from importsvc.postgres.write_conflicts import is_write_conflict, retry
from organizations.models import Organization

Result = TypeVar("Result")

logger = logging.getLogger("importsvc.imports")

WAITED_IN_VAIN = "Another transaction has held records of this organization for {} seconds"


@contextmanager
def limited_transaction() -> Iterator[None]:
    """A transaction, or a savepoint of the caller's, that waits for no lock without end.

    Raises:
        Unavailable: another transaction has held a lock for too long.
    """
    try:
        with transaction.atomic():
            limit_transaction()
            yield
    except OperationalError as error:
        if not is_lock_timeout(error):
            raise
        raise Unavailable(WAITED_IN_VAIN.format(get_lock_timeout())) from error


def attempt(work: Callable[[], Result]) -> Result:
    """Do the work in a transaction, or in a savepoint of the caller's, and repeat it after a write conflict.

    Raises:
        Busy: the last attempt also ended with a write conflict.
        Unavailable: another transaction has held a lock for too long.
    """
    is_part = connection.in_atomic_block

    def work_once() -> Result:
        with limited_transaction():
            result = work()
            if is_part:
                _check_deferred_constraints()
            return result

    try:
        return retry(work_once)
    except DatabaseError as error:
        if is_write_conflict(error):
            raise Busy("Others are writing the same records at this moment") from error
        raise


def _check_deferred_constraints() -> None:
    """Check them before the savepoint is released, so that a violation leads to another attempt."""
    with connection.cursor() as cursor:
        # Until the transaction ends. Django's check_constraints() would defer all constraints afterwards.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def lock_import(organization: Organization, import_id: int) -> Import:
    """The import, locked until the end of the transaction: one transition at a time.

    Raises:
        RecordNotFound: there is none.
        ImportInUse: another transition is under way. It may take minutes: only commands wait for it.
    """
    try:
        found = _locked_import(may_wait()).fetch(organization=organization.pk, id=import_id)
    except OperationalError as error:
        if not is_lock_timeout(error):
            raise
        raise ImportInUse from error
    if not found:
        raise RecordNotFound
    import_: Import = found[0]
    import_.organization = organization
    return import_


@cache
def _locked_import(waits: bool) -> CompiledRecords:
    imports = Import.objects.filter(organization_id=Parameter("organization"), pk=Parameter("id"))
    return CompiledRecords(imports.select_for_update(no_key=True, nowait=not waits))


def lock_organization(organization: Organization) -> Organization:
    """Read and lock the organization: it runs or reverts one import at a time.

    Other transactions may still write records that refer to it.
    """
    return Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)


def save_fields(import_: Import, *fields: str) -> None:
    """Write these fields of the import, which the caller has locked."""
    values = {name: getattr(import_, name) for name in fields}
    Import.objects.filter(organization_id=import_.organization_id, pk=import_.pk).update(**values)


def require_state(import_: Import, state: ImportState, move: str) -> None:
    """Raise ``WrongState`` unless the import is in this state (contract, section 2.4); ``move`` is a participle."""
    if import_.state != state:
        raise WrongState(import_.state, move)


def log_after_commit(message: str, *, import_: Import, began: float, counts: Mapping[str, int]) -> None:
    """Log what became of an import when the outermost transaction has committed.

    ``began`` is when the work began, by ``time.perf_counter()``; ``counts`` are numbers of records by outcome.
    """

    def log() -> None:
        fields = {
            "organization": import_.organization_id,
            "import": import_.pk,
            **counts,
            "duration_ms": round((time.perf_counter() - began) * 1000, 1),
        }
        logger.info("Import %s %s", import_.pk, message, extra={"fields": fields})

    transaction.on_commit(log, robust=True)


def require_rows_kept(import_: Import) -> None:
    """Raise ``ImportPruned`` if the import's staged rows and its change log were deleted."""
    if import_.pruned_at:
        raise ImportPruned(import_)


def vacuum_after_commit(records: Mapping[str, int]) -> None:
    """Vacuum the tables of types of which many records were written, when the outermost transaction has committed.

    ``records`` are numbers of records by type. A transaction or savepoint that is rolled back vacuums nothing.
    """
    rows = {registry.get(name).model._meta.db_table: count for name, count in records.items()}
    # Robust: an error cannot undo the commit, and must not be the response.
    transaction.on_commit(lambda: vacuum_tables(rows), robust=True)
