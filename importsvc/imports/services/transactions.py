"""What every move of an import has in common: a transaction, its locks, and how often it is begun."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.db import DatabaseError, connection, transaction

from importsvc.errors import Busy, RecordNotFound
from importsvc.imports.errors import WrongState
from importsvc.imports.models import Import, ImportState
from importsvc.postgres.write_conflicts import ATTEMPTS, is_write_conflict
from organizations.models import Organization

Result = TypeVar("Result")


def attempt(work: Callable[[], Result]) -> Result:
    """Do the work in a transaction, or a part of one, and anew if another transaction got in its way.

    Raises:
        Busy: other transactions kept writing the same records.
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
    """Now, where a violation is still tried again, and not at the commit of the transaction that this is a part of."""
    with connection.cursor() as cursor:
        # For the rest of the transaction. Django would defer all afterwards, also those that are not by default.
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
    """The organization as it is now: one load or revert in it at a time. Others may go on writing what refers to it."""
    return Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)


def require_state(import_: Import, state: ImportState, move: str) -> None:
    """Refuse the move, named by a participle, unless the import is where it starts from (contract, section 2.4)."""
    if import_.state != state:
        raise WrongState(import_.state, move)
