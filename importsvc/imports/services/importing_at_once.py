"""Creates an import and runs it in one transaction."""

from __future__ import annotations

from typing import Any

from importsvc.engine.plan.plan import OnDuplicate
from importsvc.imports.actors import Actor
from importsvc.imports.models import Import, OnRowError
from importsvc.imports.rows import require_rows
from importsvc.imports.services.creating import create_import
from importsvc.imports.services.importing import run_import
from importsvc.imports.services.planning import OnErrors
from importsvc.imports.services.progress import Progress
from importsvc.imports.services.transactions import limited_transaction
from organizations.models import Organization
from people.models import Person


def import_rows(
    *,
    organization: Organization,
    creator: Person,
    import_data: object,
    on_duplicate: OnDuplicate = "error",
    match_by: str | None = None,
    on_row_error: str = OnRowError.REFUSE,
    actor: Actor | None = None,
    progress: Progress | None = None,
    on_errors: OnErrors | None = None,
    **of_file: Any,
) -> Import:
    """Create an import and run it in one transaction. The arguments are those of ``create_import`` and ``run_import``.

    With ``stage``, an import whose rows have errors is created with them, and not run.

    Args:
        organization, creator, import_data, on_duplicate, match_by, on_row_error: as there.
        actor, progress, on_errors: as there.
        of_file: the arguments of ``create_import`` for rows that come from a file.

    Raises:
        ImportDataInvalid, RowsInvalid, Busy, Unavailable: nothing is written.
    """
    rows = require_rows(import_data)
    chosen = {"on_duplicate": on_duplicate, "match_by": match_by, "on_row_error": on_row_error, **of_file}
    with limited_transaction():
        if on_row_error != OnRowError.STAGE:
            import_ = Import.objects.create(organization=organization, creator=creator, sample=False, **chosen)
            return run_import(
                organization=organization,
                import_id=import_.pk,
                import_data=rows,
                actor=actor,
                progress=progress,
                on_errors=on_errors,
            )
        import_ = create_import(
            organization=organization,
            creator=creator,
            import_data=rows,
            progress=progress,
            on_errors=on_errors,
            **chosen,
        )
        if import_.error_count:
            return import_
        return run_import(organization=organization, import_id=import_.pk, actor=actor)
