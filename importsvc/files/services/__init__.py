"""The services of files: the only way in for edges and for imports."""

from importsvc.files.services.files import (
    create_import_file,
    find_import_file,
    read_file,
    read_size,
    update_import_file,
)
from importsvc.files.services.pruning import prune_import_files

__all__ = [
    "create_import_file",
    "find_import_file",
    "prune_import_files",
    "read_file",
    "read_size",
    "update_import_file",
]
