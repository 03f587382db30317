"""The services of files: the only way in for edges and for imports."""

from importsvc.files.services.files import (
    create_import_file,
    find_import_file,
    make_import_file,
    read_file,
    read_size,
    require_content,
    store_import_file,
    update_import_file,
)
from importsvc.files.services.import_models import (
    MEMBERS,
    check_mapping,
    create_import_model,
    delete_import_model,
    find_import_model,
    find_named_mapping,
    get_document,
    list_ready_made,
    update_import_model,
)
from importsvc.files.services.inspecting import FirstRow, choose_columns, find_choices, list_targets, read_first_rows
from importsvc.files.services.pruning import prune_import_files
from importsvc.files.services.templates import TEMPLATE_TYPES, Template, make_template

__all__ = [
    "MEMBERS",
    "TEMPLATE_TYPES",
    "FirstRow",
    "Template",
    "check_mapping",
    "choose_columns",
    "create_import_file",
    "create_import_model",
    "delete_import_model",
    "find_choices",
    "find_import_file",
    "find_import_model",
    "find_named_mapping",
    "get_document",
    "list_ready_made",
    "list_targets",
    "make_import_file",
    "make_template",
    "prune_import_files",
    "read_file",
    "read_first_rows",
    "read_size",
    "require_content",
    "store_import_file",
    "update_import_file",
    "update_import_model",
]
