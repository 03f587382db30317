"""Rows staged, corrected and turned into records."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from importsvc.engine.apply.load import load
from importsvc.engine.plan.diff import Differences, count_rows, read_differences
from importsvc.engine.plan.plan import OnDuplicate
from importsvc.engine.schema.defaults import Defaults
from importsvc.imports.actors import Actor
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services.planning import Progress, get_on_duplicate, plan_rows, plan_while_writing, to_text
from importsvc.imports.services.preconditions import needs_tag, require_tag
from importsvc.imports.services.transactions import attempt, lock_import, lock_organization, require_state
from importsvc.imports.staging import read_import_data, store_import_data
from organizations.models import Organization
from people.models import Person


def create_import(
    *,
    organization: Organization,
    creator: Person,
    import_data: object,
    sample: bool | None = None,
    import_model_id: int | None = None,
    on_duplicate: OnDuplicate = "error",
    progress: Progress | None = None,
) -> Import:
    """Stage rows, after checking all of them against what the organization has now.

    ``import_data`` is a string that holds JSON, or that JSON itself; ``sample`` null becomes ``False``. ``progress`` is
    told how many rows have been read and checked.

    Raises:
        ImportDataInvalid, RowsInvalid: nothing is staged.
    """
    plan_rows(organization, import_data, on_duplicate=on_duplicate, progress=progress).require_valid()
    with transaction.atomic():
        import_ = Import.objects.create(
            organization=organization,
            creator=creator,
            sample=bool(sample),
            import_model_id=import_model_id,
            on_duplicate=on_duplicate,
        )
        store_import_data(import_.pk, to_text(import_data))
    del import_.import_data  # who wants it reads what is stored
    return import_


def update_import(
    *, organization: Organization, import_id: int, import_data: object, attributes: Mapping[str, Any]
) -> Import:
    """Replace the staged rows of an import that was not run yet, and whichever other attributes are given.

    ``attributes`` may hold ``sample``, ``import_model_id`` and ``on_duplicate``; a ``sample`` of null becomes
    ``False``.

    Raises:
        RecordNotFound, WrongState, ImportDataInvalid, RowsInvalid: nothing is changed.
    """
    with transaction.atomic():
        import_ = lock_import(organization, import_id)
        require_state(import_, ImportState.CREATED, "updated")
        for name in attributes.keys() & {"sample", "import_model_id", "on_duplicate"}:
            setattr(import_, name, attributes[name])
        import_.sample = bool(import_.sample)
        plan_rows(organization, import_data, on_duplicate=get_on_duplicate(import_)).require_valid()
        store_import_data(import_id, to_text(import_data))
        import_.save(update_fields=["sample", "import_model_id", "on_duplicate"])
    return import_


def run_import(
    *,
    organization: Organization,
    import_id: int,
    import_data: object = None,
    on_duplicate: OnDuplicate | None = None,
    if_match: Collection[str] | None = None,
    actor: Actor | None = None,
    progress: Progress | None = None,
) -> Import:
    """Turn the rows into records, all of them in one transaction, or change nothing at all.

    Args:
        organization: that the import belongs to.
        import_id: which import.
        import_data: replaces what is staged, in the same transaction; ``None`` means: run what is staged.
        on_duplicate: replaces what the import says; ``None`` means: as it says.
        if_match: tags of previews (see ``preview_import``), or ``*``; nothing is done unless one of them still holds.
        actor: who is doing this.
        progress: told how many rows have been written.

    Raises:
        RecordNotFound, WrongState, ImportDataInvalid, RowsInvalid: nothing is changed.
        PreconditionFailed: what the preview showed is not what would be done now. Nothing is changed.
        Busy: others kept writing the same records at the same time; trying again later may succeed.
    """

    written = _Written(progress) if progress else None

    def run(careful: bool) -> Import:
        if written:
            written.start_again()
        import_ = lock_import(organization, import_id)
        require_state(import_, ImportState.CREATED, "imported")
        started_at = timezone.now()
        # Its defaults may be others than when the request came in.
        import_.organization = lock_organization(organization)
        import_.on_duplicate = on_duplicate or import_.on_duplicate
        import_.processed_by = actor and actor.to_json()
        rows = read_import_data(import_id) if import_data is None else import_data
        defaults = Defaults(import_.organization)
        # Only where every row becomes a new record can be seen row by row, while writing, that nothing is wrong.
        if careful or if_match is not None or import_.on_duplicate != "error":
            import_.counts = _write_at_once(import_, rows, defaults, if_match, written)
        else:
            import_.counts = _write_in_batches(import_, rows, defaults, written)
        if import_data is not None:  # not before: what is wrong with the rows may be what cannot be stored
            store_import_data(import_id, to_text(import_data))
        import_.shared_values = defaults.describe()
        import_.started_at = started_at
        # The clock may be set back between two readings; the order of the time stamps may not.
        import_.processed_at = max(timezone.now(), started_at)
        changed = ["started_at", "processed_at", "shared_values", "on_duplicate", "counts", "processed_by"]
        import_.save(update_fields=changed)
        return import_

    return attempt(run)


def import_rows(
    *,
    organization: Organization,
    creator: Person,
    import_data: object,
    on_duplicate: OnDuplicate = "error",
    actor: Actor | None = None,
    progress: Progress | None = None,
) -> Import:
    """Create an import and run it, all in one transaction; for arguments see these two.

    Raises:
        ImportDataInvalid, RowsInvalid, Busy: nothing is staged, and nothing is changed.
    """
    with transaction.atomic():
        import_ = create_import(
            organization=organization,
            creator=creator,
            import_data=import_data,
            on_duplicate=on_duplicate,
            progress=progress,
        )
        return run_import(organization=organization, import_id=import_.pk, actor=actor, progress=progress)


class _Written:
    """Counts rows that are written, and takes those back that a transaction wrote which was undone."""

    def __init__(self, progress: Progress) -> None:
        self._tell = partial(progress, "written")
        self._count = 0

    def __call__(self, count: int) -> None:
        self._count += count
        self._tell(count)

    def start_again(self) -> None:
        if self._count:
            self(-self._count)


def _write_at_once(
    import_: Import, rows: object, defaults: Defaults, if_match: Collection[str] | None, on_written: _Written | None
) -> dict[str, dict[str, int]]:
    """Check all rows, then write what they change; how many rows of each type became what."""
    planned = plan_rows(
        import_.organization,
        rows,
        on_duplicate=get_on_duplicate(import_),
        lock=True,
        tagged_with=defaults if needs_tag(if_match) else None,
    )
    require_tag(if_match, lambda: planned.tag)
    plan = planned.require_valid()
    differences = read_differences(plan, defaults)
    load(
        plan,
        organization=import_.organization,
        import_id=import_.pk,
        defaults=defaults,
        differences=differences,
        on_written=on_written,
    )
    return count_rows(plan, differences)


def _write_in_batches(
    import_: Import, rows: object, defaults: Defaults, on_written: _Written | None
) -> dict[str, dict[str, int]]:
    """Write new records while the next rows are being checked; how many rows of each type became what.

    Raises:
        PlanError: a row is wrong.
    """
    counts: dict[str, dict[str, int]] = {}
    with plan_while_writing(import_.organization, rows) as plans:
        for plan in plans:
            load(
                plan,
                organization=import_.organization,
                import_id=import_.pk,
                defaults=defaults,
                on_written=on_written,
            )
            for name, of_type in count_rows(plan, Differences()).items():
                known = counts.setdefault(name, dict.fromkeys(of_type, 0))
                counts[name] = {what: known[what] + count for what, count in of_type.items()}
    return counts
