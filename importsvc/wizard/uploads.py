"""The bytes of an uploaded file."""

from __future__ import annotations

import hashlib

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest

from importsvc.spool import SpooledFile

# Characters of a name and of a media type.
_LONGEST = 255


def find_upload(request: HttpRequest) -> UploadedFile | None:
    """The file of the form; ``None`` if none was chosen."""
    given = request.FILES.get("file")
    return given if isinstance(given, UploadedFile) else None


def spool(given: UploadedFile) -> tuple[SpooledFile, str]:
    """Copy the bytes with the name of the file, and return them with their SHA-256 in hex."""
    content, digest = SpooledFile((given.name or "")[:_LONGEST]), hashlib.sha256()
    for part in given.chunks():
        content.write(part)
        digest.update(part)
    return content, digest.hexdigest()


def find_content_type(given: UploadedFile) -> str:
    """The media type that the browser gave."""
    return (given.content_type or "")[:_LONGEST]
