"""The services of imports: create, update, run, revert, preview and prune, each in one transaction.

The only entry point for the API, the admin and the commands, which make one call each. The errors are in
``importsvc.imports.errors``.
"""

from importsvc.engine.revert.conflicts import Reason
from importsvc.engine.revert.preview import UndoChange
from importsvc.engine.schema.importable import normalize_header
from importsvc.imports.services.cell_problems import CellProblem, describe_cell, find_cells
from importsvc.imports.services.corrected_files import correct_from_file
from importsvc.imports.services.corrections import (
    ANY_VALUE,
    RowCorrection,
    check_import,
    correct_row,
    correct_rows,
    delete_row,
    replace_value,
)
from importsvc.imports.services.creating import create_import, create_import_from_file, update_import
from importsvc.imports.services.discarding import discard_import
from importsvc.imports.services.error_files import ErrorFileFormat, write_error_file
from importsvc.imports.services.file_imports import ErrorFile, import_file, preview_file
from importsvc.imports.services.file_requests import FilePreview, FileRequest, FirstRow
from importsvc.imports.services.file_rows import require_fit
from importsvc.imports.services.importing import run_import
from importsvc.imports.services.importing_at_once import import_rows
from importsvc.imports.services.previewing import (
    ImportPreview,
    PlannedChange,
    preview_import,
    preview_rows,
)
from importsvc.imports.services.progress import Progress
from importsvc.imports.services.pruning import prune_imports
from importsvc.imports.services.queueing import queue_corrected_file, queue_operation
from importsvc.imports.services.record_types import (
    describe_records,
    find_keyed_records,
    find_match_key,
    find_record_model,
    find_record_type,
    find_resource_model,
    get_match_keys,
    get_record_fields,
    get_record_models,
    get_record_noun,
    get_record_types,
    get_resource_type,
)
from importsvc.imports.services.refusals import keep_refusal
from importsvc.imports.services.revert_choices import RevertChoices, preview_choices, read_conflicts, require_revertible
from importsvc.imports.services.reverting import (
    OnConflict,
    RevertPreview,
    UndoReport,
    find_import,
    preview_revert,
    revert_import,
)
from importsvc.imports.services.row_errors import select_errors
from importsvc.imports.services.staged_rows import (
    RowWithErrors,
    StagedRowList,
    find_row,
    get_error_codes,
    list_rows,
    read_row,
    summarize_errors,
)
from importsvc.imports.services.stored_previews import (
    Previewed,
    StoredRevert,
    StoredRun,
    read_revert,
    read_run,
    read_stored_choices,
    request_preview,
    takes_long,
)
from importsvc.imports.services.transactions import require_rows_kept
