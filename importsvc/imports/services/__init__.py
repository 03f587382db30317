"""The only way in: create, update, run and revert an import, each in one transaction.

Every edge (HTTP, admin, command) makes one call here. Refusals are ``importsvc.imports.errors``.
"""

from importsvc.imports.services.importing import create_import, run_import, update_import
from importsvc.imports.services.reverting import Revert, RevertPreview, find_import, preview_revert, revert_import

__all__ = [
    "Revert",
    "RevertPreview",
    "create_import",
    "find_import",
    "preview_revert",
    "revert_import",
    "run_import",
    "update_import",
]
