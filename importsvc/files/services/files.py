"""Stores files that are uploaded, and detects again what they hold when their options are set.

An error file of an import is read and mapped as the file of that import was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.db import transaction

from importsvc.errors import RecordNotFound
from importsvc.files.detecting import OPTIONS, detect_file, make_fields
from importsvc.files.errors import FilePruned
from importsvc.files.models import ImportFile
from importsvc.files.origins import Origin, find_origin
from importsvc.files.proposing import propose_fields
from importsvc.files.reading.tables import CSV
from importsvc.files.services.import_models import read_saved
from importsvc.files.storage import read_content, store_content
from importsvc.spool import SpooledFile
from organizations.models import Organization
from people.models import Person


def create_import_file(
    *,
    organization: Organization,
    creator: Person,
    content: SpooledFile,
    sha256: str,
    name: str = "",
    content_type: str = "",
) -> ImportFile:
    """Detect what a file holds, and store it.

    Args:
        organization: that gets the file.
        creator: has uploaded it.
        content: the bytes.
        sha256: of the bytes, in hex.
        name: of the file, at most 255 characters.
        content_type: the media type that the client gave; a hint, which the bytes may contradict.

    Raises:
        FileUnreadable: nothing is stored.
    """
    file = make_import_file(
        organization=organization,
        creator=creator,
        content=content,
        sha256=sha256,
        name=name,
        content_type=content_type,
    )
    store_import_file(file, content)
    return file


def make_import_file(
    *,
    organization: Organization,
    creator: Person,
    content: SpooledFile,
    sha256: str,
    name: str = "",
    content_type: str = "",
    overrides: Mapping[str, Any] | None = None,
) -> ImportFile:
    """Detect what a file holds, and propose what its columns mean. It is not stored.

    The arguments are those of ``create_import_file``; ``overrides`` are options that replace guesses.

    Raises:
        FileUnreadable: it cannot be read.
    """
    said = dict(overrides or {})
    detected, origin = _detect(organization, content, content_type, said)
    used = origin.mapping if origin else None
    proposed = propose_fields(detected["columns"], read_saved(organization), used, sheet=detected["sheet"])
    return ImportFile(
        organization=organization,
        creator=creator,
        name=name,
        content_type=content_type,
        size=content.size,
        sha256=sha256,
        overrides=said,
        **{**detected, **proposed},
    )


def store_import_file(file: ImportFile, content: SpooledFile) -> None:
    """Store a file that ``make_import_file`` has made of these bytes."""
    with transaction.atomic():
        file.save(force_insert=True)
        store_content(file, content)


def update_import_file(*, organization: Organization, file_id: int, options: Mapping[str, Any]) -> ImportFile:
    """Set options of a file, detect again what it holds, and propose again what its columns mean.

    ``options`` are some of ``OPTIONS``. ``None`` goes back to the guess. A value that is in use already changes
    nothing, so that a client may send all of them back.

    Raises:
        RecordNotFound, FilePruned, FileUnreadable: nothing is changed.
    """
    with transaction.atomic():
        file = find_import_file(organization=organization, file_id=file_id, lock=True)
        overrides = dict(file.overrides)
        for name in options.keys() & set(OPTIONS):
            if options[name] is None:
                overrides.pop(name, None)
            elif options[name] != getattr(file, name):
                overrides[name] = options[name]
        values: dict[str, Any] = {}
        if overrides != file.overrides:
            detected, _ = _detect(organization, read_file(file), file.content_type, overrides)
            # Of an option that is set, what was guessed without it.
            guesses = {**detected.pop("guesses"), **{name: file.guesses[name] for name in overrides}}
            values = {**detected, "guesses": guesses, "overrides": overrides}
        columns, sheets, sheet = (values.get(name, getattr(file, name)) for name in ("columns", "sheets", "sheet"))
        origin = find_origin(organization, columns, sheets)
        used = origin.mapping if origin else None
        values |= propose_fields(columns, read_saved(organization), used, sheet=sheet)
        ImportFile.objects.for_organization(organization).filter(pk=file.pk).update(**values)
        for name, value in values.items():
            setattr(file, name, value)
    return file


def _detect(
    organization: Organization, content: SpooledFile, content_type: str, overrides: Mapping[str, Any]
) -> tuple[dict[str, Any], Origin | None]:
    """What is detected in a file, as its fields, and the import of which it is an error file.

    The formats of an error file are those of that import, and are not guessed again.
    """
    detected = make_fields(detect_file(content, content_type=content_type, overrides=overrides))
    origin = find_origin(organization, detected["columns"], detected["sheets"])
    formats = asdict(origin.formats) if origin else {}
    if origin and detected["format"] == CSV:
        formats["decimal_sign"] = formats["decimal_sign"] or origin.number_sign
    for name, value in formats.items():
        if value is not None:
            detected["guesses"][name] = {"value": value, "confidence": 1.0}
            detected[name] = overrides.get(name, value)
    return detected, origin


def find_import_file(*, organization: Organization, file_id: int, lock: bool = False) -> ImportFile:
    """The file; with ``lock``, locked until the end of the caller's transaction.

    Raises:
        RecordNotFound: the organization has no such file.
    """
    files = ImportFile.objects.for_organization(organization).filter(pk=file_id)
    file = (files.select_for_update(no_key=True) if lock else files).first()
    if file is None:
        raise RecordNotFound
    return file


def read_size(*, organization: Organization, file_id: int) -> int:
    """The size of a file in bytes; 0 if the organization has no such file."""
    sizes = ImportFile.objects.for_organization(organization).filter(pk=file_id).values_list("size", flat=True)
    return sizes.first() or 0


def read_file(file: ImportFile) -> SpooledFile:
    """The bytes of a file.

    Raises:
        FilePruned: they were deleted.
        DiskFull: there is no room for a temporary file.
    """
    require_content(file)
    return read_content(file)


def require_content(file: ImportFile) -> None:
    """Raise ``FilePruned`` if the bytes of a file were deleted."""
    if file.pruned_at:
        raise FilePruned
