"""The only way in: create, update, run and revert an import, each in one transaction, and say before what that will do.

Every edge (HTTP, admin, command) makes one call here. Refusals are ``importsvc.imports.errors``.
"""

from importsvc.imports.services.importing import create_import, run_import, update_import
from importsvc.imports.services.previewing import ImportPreview, PlannedChange, preview_import
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

__all__ = [
    "ImportPreview",
    "OnConflict",
    "PlannedChange",
    "Revert",
    "RevertPreview",
    "UndoChange",
    "create_import",
    "find_import",
    "preview_import",
    "preview_revert",
    "revert_import",
    "run_import",
    "select_revertible",
    "update_import",
]
