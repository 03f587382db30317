"""Imports undone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils import timezone

from importsvc.engine.undo import UnknownTypeError, undo
from importsvc.errors import Conflict, RecordNotFound
from importsvc.imports.errors import RevertConflict
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services.transactions import attempt, lock_import, lock_organization, require_state
from organizations.models import Organization


@dataclass(frozen=True)
class Revert:
    """What reverting an import did, or on a dry run would do.

    Attributes:
        import_: the import.
        removed: how many records of each type were removed; those that were gone already do not count.
    """

    import_: Import
    removed: Mapping[str, int]


def revert_import(*, organization: Organization, import_id: int, dry_run: bool = False) -> Revert:
    """Undo exactly what an import did, in one transaction, or change nothing at all (contract, section 2.7).

    A dry run refuses what the real one would refuse, tells what it would remove, and changes nothing.

    Raises:
        RecordNotFound, WrongState: nothing is changed.
        RevertConflict: records were changed or referred to since; ``meta`` names them.
        Conflict: a type of records is not importable any more, or others kept writing the same records.
    """
    return attempt(lambda _: _revert_import(organization, import_id, dry_run))


def _revert_import(organization: Organization, import_id: int, dry_run: bool) -> Revert:
    import_ = lock_import(organization, import_id)
    require_state(import_, ImportState.PROCESSED, "reverted")
    assert import_.processed_at  # noqa: S101 - what the state means
    lock_organization(organization)
    try:
        report = undo(import_id=import_.pk, dry_run=dry_run)
    except UnknownTypeError as error:
        raise Conflict(f"Records of type '{error}' cannot be imported or reverted any more") from None
    if report.conflict_count:
        raise RevertConflict(report)
    if not dry_run:
        import_.reverted_at = max(timezone.now(), import_.processed_at)
        import_.save(update_fields=["reverted_at"])
    return Revert(import_, report.removed)


def find_import(*, import_id: int) -> Import:
    """An import of whatever organization, without its staged data: for operators, who belong to none.

    Raises:
        RecordNotFound: there is none.
    """
    import_ = Import.objects.select_related("organization").defer("import_data").filter(pk=import_id).first()
    if import_ is None:
        raise RecordNotFound
    return import_
