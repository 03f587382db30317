"""The only way in: create, update, run and revert an import, each in one transaction, and say before what that will do.

Every edge (HTTP, admin, command) makes one call here. Refusals are ``importsvc.imports.errors``.
"""

from importsvc.imports.services.importing import create_import, import_rows, run_import, update_import
from importsvc.imports.services.planning import Progress
from importsvc.imports.services.previewing import (
    ImportPreview,
    PlannedChange,
    RowsPreview,
    preview_import,
    preview_rows,
)
from importsvc.imports.services.reverting import (
    OnConflict,
    Revert,
    RevertPreview,
    UndoChange,
    find_import,
    preview_revert,
    revert_import,
)
from importsvc.imports.services.selecting import select_revertible
from importsvc.imports.services.statuses import ImportStatus, list_statuses, read_status

__all__ = [
    "ImportPreview",
    "ImportStatus",
    "OnConflict",
    "PlannedChange",
    "Progress",
    "Revert",
    "RevertPreview",
    "RowsPreview",
    "UndoChange",
    "create_import",
    "find_import",
    "import_rows",
    "list_statuses",
    "preview_import",
    "preview_revert",
    "preview_rows",
    "read_status",
    "revert_import",
    "run_import",
    "select_revertible",
    "update_import",
]
