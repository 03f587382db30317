"""The bytes of files in the database, written and read part by part."""

from __future__ import annotations

from collections.abc import Iterator

from importsvc.files.models import ImportFile, ImportFilePart
from importsvc.postgres.copy import bytea_cell, copy_rows
from importsvc.spool import SpooledFile

PART_BYTES = 1 << 20


def store_content(file: ImportFile, content: SpooledFile) -> None:
    """Store the bytes of a file that has none. The caller owns the transaction."""
    head = f"{file.organization_id}\t{file.pk}"

    def make_lines() -> Iterator[str]:
        with content.open() as reader:
            number = 0
            while part := reader.read(PART_BYTES):
                yield f"{head}\t{number}\t{bytea_cell(part)}\n"
                number += 1

    columns = ("organization_id", "import_file_id", "number", "content")
    copy_rows(ImportFilePart._meta.db_table, columns, make_lines(), lines_at_once=1)


def read_parts(organization_id: int, file_id: int) -> Iterator[bytes]:
    """The bytes of a file, part by part; none after it was pruned.

    Each query reads one part, so no cursor stays open: the caller may use the connection between two parts.
    """
    parts = ImportFilePart.objects.filter(organization_id=organization_id, import_file_id=file_id)
    number = 0
    while found := parts.filter(number=number).values_list("content", flat=True).first():
        yield bytes(found)
        number += 1


def read_content(file: ImportFile) -> SpooledFile:
    """The bytes of a file, in a temporary file.

    Raises:
        DiskFull: there is no room for it.
    """
    content = SpooledFile(file.name)
    for part in read_parts(file.organization_id, file.pk):
        content.write(part)
    return content


def delete_content(organization_id: int, file_id: int) -> None:
    """Delete the bytes of a file."""
    ImportFilePart.objects.filter(organization_id=organization_id, import_file_id=file_id).delete()
