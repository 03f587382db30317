"""Error files as HTTP responses."""

from __future__ import annotations

from tempfile import TemporaryFile

from django.http import FileResponse

from importsvc.imports import services
from organizations.models import Organization

MEDIA_TYPES: dict[services.ErrorFileFormat, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def respond_with_error_file(
    *, organization: Organization, import_id: int, file_format: services.ErrorFileFormat
) -> FileResponse:
    """The error file of an import as an attachment.

    The file is complete before the response begins, so what ``write_error_file`` raises comes in place of it.
    """
    content = TemporaryFile()  # noqa: SIM115 - the response closes it
    try:
        services.write_error_file(organization=organization, import_id=import_id, format=file_format, target=content)
    except BaseException:
        content.close()
        raise
    content.seek(0)
    return FileResponse(
        content,
        as_attachment=True,
        filename=f"import-{import_id}-errors.{file_format}",
        content_type=MEDIA_TYPES[file_format],
        headers={"Cache-Control": "private, no-store"},
    )
