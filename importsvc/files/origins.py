"""Where error files come from: the app of imports says how the file of an import was read and mapped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from importsvc.files.mapping.document import DecimalSign, Formats
from importsvc.files.mapping.document import Mapping as MappingDocument
from importsvc.files.mapping.narrowing import narrow_mapping
from importsvc.files.reading.tables import ERROR_FILE_HEADERS
from organizations.models import Organization

_LONGEST_ID = 18  # digits of a number that the database can hold


class Origin(NamedTuple):
    """The import that an error file is of.

    Attributes:
        formats: by which its texts were read.
        mapping: by which its rows were made, with these formats; ``None`` if they come from no file.
        number_sign: the decimal sign of numbers that are no text in the file, and are text in an error file of CSV.
    """

    formats: Formats
    mapping: MappingDocument | None
    number_sign: DecimalSign | None = None


# Finds the origin in an organization by the id of the import; ``None`` if there is no such import.
FindOrigin = Callable[[Organization, int], Origin | None]

_finders: list[FindOrigin] = []


def register(find: FindOrigin) -> None:
    """Declare how origins are found."""
    _finders[:] = [find]


def find_origin(
    organization: Organization, columns: Sequence[Mapping[str, Any]], sheets: Sequence[Mapping[str, Any]]
) -> Origin | None:
    """The origin of a file, by its columns and sheets as ``ImportFile`` has them; ``None`` if it is no error file.

    Of a mapping of several sheets the file may have some only.
    """
    samples = {column["header"]: column["samples"] for column in columns}
    if not samples.keys() >= set(ERROR_FILE_HEADERS):
        return None
    found = "".join(samples[ERROR_FILE_HEADERS[0]][:1])
    if not (found.isascii() and found.isdigit() and len(found) <= _LONGEST_ID):
        return None
    (find,) = _finders
    origin = find(organization, int(found))
    if origin is None or origin.mapping is None:
        return origin
    narrowed = narrow_mapping(origin.mapping, headers=list(samples), sheets=[sheet["name"] for sheet in sheets])
    return origin._replace(mapping=narrowed)
