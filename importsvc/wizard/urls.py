"""The URLs of the pages on which people import a file, below ``/import/``."""

from django.urls import path

from importsvc.wizard import check, columns, discard, error_file, files, history, operations, preview, result
from importsvc.wizard.start import show_start

app_name = "wizard"

_FILE = "<int:organization_id>/files/<int:file_id>/"
_IMPORT = "<int:organization_id>/imports/<int:import_id>/"
_OPERATION = "<int:organization_id>/operations/<int:operation_id>/"

urlpatterns = [
    path("", show_start, name="start"),
    path("<int:organization_id>/", history.show_history, name="history"),
    path("<int:organization_id>/files/", history.upload, name="upload"),
    path(_FILE, files.show_file, name="file"),
    path(f"{_FILE}columns", columns.show_columns, name="columns"),
    path(_OPERATION, operations.show_operation, name="operation"),
    path(f"{_OPERATION}cancel", operations.cancel, name="cancel"),
    path(f"{_IMPORT}check", check.show_check, name="check"),
    path(f"{_IMPORT}rows", check.correct, name="correct"),
    path(f"{_IMPORT}rows/delete", check.delete_row, name="delete-row"),
    path(f"{_IMPORT}replace", check.replace, name="replace"),
    path(f"{_IMPORT}again", check.check_again, name="check-again"),
    path(f"{_IMPORT}errors.<str:file_format>", error_file.download, name="errors"),
    path(f"{_IMPORT}errors", error_file.upload, name="upload-errors"),
    path(f"{_IMPORT}preview", preview.show_preview, name="preview"),
    path(_IMPORT, result.show_import, name="import"),
    path(f"{_IMPORT}run", result.run, name="run"),
    path(f"{_IMPORT}discard", discard.discard, name="discard"),
    path(f"{_IMPORT}undo", result.undo, name="undo"),
]
