"""Imports undone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import DataError, IntegrityError
from django.utils import timezone

from importsvc.engine.revert.changes import UnknownTypeError
from importsvc.engine.revert.preview import UndoChange, UndoPreview, make_tag
from importsvc.engine.revert.revert import OnConflict, undo
from importsvc.errors import Conflict, RecordNotFound
from importsvc.imports.actors import Actor
from importsvc.imports.errors import RevertConflict
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services.preconditions import require_tag
from importsvc.imports.services.transactions import attempt, lock_import, lock_organization, require_state
from importsvc.postgres.write_conflicts import is_write_conflict
from organizations.models import Organization

__all__ = [
    "OnConflict",
    "Revert",
    "RevertPreview",
    "UndoChange",
    "find_import",
    "preview_revert",
    "revert_import",
]


@dataclass(frozen=True)
class Revert:
    """What reverting an import did: numbers of records by importable name.

    Attributes:
        import_: the import.
        removed: created records that were removed.
        restored: updated records that got back everything that the import had changed.
        kept: records of which the revert kept anything.
        gone: records that no longer existed.
    """

    import_: Import
    removed: Mapping[str, int]
    restored: Mapping[str, int]
    kept: Mapping[str, int]
    gone: Mapping[str, int]


@dataclass(frozen=True)
class RevertPreview:
    """What reverting an import would do, if no other transaction writes meanwhile.

    Attributes:
        import_: the import.
        tag: of everything that the rest was told from; ``revert_import`` takes it as ``if_match``.
        counts: by importable name, how many records would be ``removed`` and ``restored``, are in ``conflict``, and are
            ``gone``: ``{"company": {"removed": 1, "restored": 0, "conflict": 0, "gone": 0}}``.
        changes: what would become of each record, in the order of the change log; read by the slice.
    """

    import_: Import
    tag: str
    counts: Mapping[str, Mapping[str, int]]
    changes: UndoPreview

    def find_conflicts(self) -> RevertConflict | None:
        """What a revert that refuses conflicts is refused with, if there are any; read from the database when asked."""
        if not any(of_type["conflict"] for of_type in self.counts.values()):
            return None
        report = self.changes.report_conflicts()
        return RevertConflict(report) if report.conflict_count else None


def revert_import(
    *,
    organization: Organization,
    import_id: int,
    on_conflict: OnConflict = "refuse",
    if_match: Collection[str] | None = None,
    actor: Actor | None = None,
) -> Revert:
    """Undo exactly what an import did, in one transaction, or change nothing at all (contract, section 2.7).

    Args:
        organization: whose import it is.
        import_id: which import.
        on_conflict: what becomes of records that were changed or referred to since: ``refuse`` reverts nothing,
            ``keep`` leaves them as they are, ``discard`` undoes edits, too (docs/reverting.md).
        if_match: tags of previews, one of which has to be the present one; ``*`` stands for any.
        actor: the person, staff user or operator that asks for it.

    Raises:
        RecordNotFound, WrongState: nothing is changed.
        PreconditionFailed: something was written since the previews were made.
        RevertConflict: records were changed or referred to since; ``meta`` names them.
        Conflict: a type of records is not importable any more, the database does not accept values any more that were
            there before, or other transactions kept writing the same records.
    """
    return attempt(lambda: _revert_import(organization, import_id, on_conflict, if_match, actor))


def _revert_import(
    organization: Organization,
    import_id: int,
    on_conflict: OnConflict,
    if_match: Collection[str] | None,
    actor: Actor | None,
) -> Revert:
    import_ = lock_import(organization, import_id)
    require_state(import_, ImportState.PROCESSED, "reverted")
    assert import_.processed_at  # noqa: S101 - what the state means
    lock_organization(organization)
    with _refuse_what_cannot_be():
        report = undo(
            organization_id=organization.pk,
            import_id=import_.pk,
            on_conflict=on_conflict,
            check=lambda: require_tag(if_match, lambda: _make_tag(import_)),
        )
    if report.conflict_count:
        raise RevertConflict(report)
    import_.reverted_at = max(timezone.now(), import_.processed_at)
    import_.reverted_by = actor.to_json() if actor else None
    imports = Import.objects.for_organization(organization).filter(pk=import_id)
    imports.update(reverted_at=import_.reverted_at, reverted_by=import_.reverted_by)
    return Revert(import_, report.removed, report.restored, report.kept, report.gone)


def preview_revert(*, organization: Organization, import_id: int) -> RevertPreview:
    """Tell what reverting an import would do, without a lock and without writing anything.

    Raises:
        RecordNotFound, WrongState: as ``revert_import`` does.
        Conflict: a type of records is not importable any more.
    """
    import_ = find_import(import_id=import_id, organization=organization)
    require_state(import_, ImportState.PROCESSED, "reverted")
    with _refuse_what_cannot_be():
        # First the tag: what is written meanwhile then makes it an old one.
        tag = _make_tag(import_)
        changes = UndoPreview(organization_id=organization.pk, import_id=import_id)
        return RevertPreview(import_, tag, changes.count_outcomes(), changes)


def find_import(*, import_id: int, organization: Organization | None = None) -> Import:
    """An import of the organization, or without one of any organization.

    Raises:
        RecordNotFound: there is none.
    """
    imports = Import.objects.select_related("organization")
    if organization is not None:
        imports = imports.for_organization(organization)
    import_ = imports.filter(pk=import_id).first()
    if import_ is None:
        raise RecordNotFound
    return import_


@contextmanager
def _refuse_what_cannot_be() -> Iterator[None]:
    try:
        yield
    except UnknownTypeError as error:
        raise Conflict(f"Records of type '{error}' cannot be imported or reverted any more") from None
    except (DataError, IntegrityError) as error:
        if is_write_conflict(error):
            raise
        # The tables have changed since: another type, a constraint, no null any more.
        raise Conflict("The database does not accept values any more that were there before the import") from error


def _make_tag(import_: Import) -> str:
    state = [import_.pk, import_.processed_at, import_.reverted_at]
    return make_tag(organization_id=import_.organization_id, import_id=import_.pk, state=state)
