"""Imports undone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from django.utils import timezone

from importsvc.engine.undo import OnConflict, UnknownTypeError, undo
from importsvc.engine.undo_preview import make_undo_tag
from importsvc.errors import Conflict, RecordNotFound
from importsvc.imports.actors import Actor
from importsvc.imports.errors import RevertConflict
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services.preconditions import require_tag
from importsvc.imports.services.transactions import attempt, lock_import, lock_organization, require_state
from organizations.models import Organization

__all__ = ["OnConflict", "Revert", "find_import", "revert_import", "unknown_type"]


@dataclass(frozen=True)
class Revert:
    """What reverting an import did, or on a dry run would do; everything by importable name.

    Attributes:
        import_: the import.
        removed: how many records were removed, for each type of which some had been created.
        restored: how many have their values back, for each type of which some had been updated.
        kept: how many stay or keep something, for types of which some do.
        gone: how many were gone already, for types of which some were.
    """

    import_: Import
    removed: Mapping[str, int]
    restored: Mapping[str, int] = field(default_factory=dict)
    kept: Mapping[str, int] = field(default_factory=dict)
    gone: Mapping[str, int] = field(default_factory=dict)


def revert_import(
    *,
    organization: Organization,
    import_id: int,
    on_conflict: OnConflict = "refuse",
    if_match: Collection[str] | None = None,
    actor: Actor | None = None,
    dry_run: bool = False,
) -> Revert:
    """Undo exactly what an import did, in one transaction, or change nothing at all (contract, section 2.7).

    Args:
        organization: that the import belongs to.
        import_id: which import.
        on_conflict: what to do about records that were changed or referred to since (see ``importsvc.engine.undo``).
        if_match: tags of previews (see ``preview_revert``), or ``*``; nothing is done unless one of them still holds.
        actor: who is doing this.
        dry_run: refuse what would be refused, tell what would be done, and change nothing.

    Raises:
        RecordNotFound, WrongState: nothing is changed.
        RevertConflict: records were changed or referred to since; ``meta`` names them.
        PreconditionFailed: what the preview showed is not how things are now. Nothing is changed.
        Conflict: a type of records is not importable any more.
        Busy: others kept writing the same records.
    """

    def revert(_: bool) -> Revert:
        import_ = lock_import(organization, import_id)
        require_state(import_, ImportState.PROCESSED, "reverted")
        assert import_.processed_at  # noqa: S101 - what the state means
        lock_organization(organization)
        try:
            report = undo(
                import_id=import_.pk,
                on_conflict=on_conflict,
                dry_run=dry_run,
                approve=lambda: require_tag(if_match, lambda: make_undo_tag(import_id)),
            )
        except UnknownTypeError as error:
            raise unknown_type(error) from None
        if report.conflict_count:
            raise RevertConflict(report)
        if not dry_run:
            import_.reverted_at = max(timezone.now(), import_.processed_at)
            import_.reverted_by = actor and actor.to_json()
            import_.save(update_fields=["reverted_at", "reverted_by"])
        return Revert(import_, report.removed, report.restored, report.kept, report.gone)

    return attempt(revert)


def unknown_type(error: UnknownTypeError) -> Conflict:
    """How a journal is refused that names a type which is not registered any more."""
    return Conflict(f"Records of type '{error}' cannot be imported or reverted any more")


def find_import(*, import_id: int, organization: Organization | None = None) -> Import:
    """An import without its staged data; of whatever organization for operators, who belong to none.

    Raises:
        RecordNotFound: there is none.
    """
    imports = Import.objects.select_related("organization").defer("import_data")
    if organization is not None:
        imports = imports.for_organization(organization)
    import_ = imports.filter(pk=import_id).first()
    if import_ is None:
        raise RecordNotFound
    return import_
