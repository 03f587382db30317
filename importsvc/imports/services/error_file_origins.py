"""How the file of an import was read and mapped, for its error file when that is uploaded."""

from __future__ import annotations

from dataclasses import replace

from importsvc.files.mapping.document import Formats
from importsvc.files.mapping.parsing import read_mapping
from importsvc.files.mapping.problems import get_formats
from importsvc.files.mapping.refusals import MappingInvalid
from importsvc.files.origins import Origin
from importsvc.files.reading.tables import WORKBOOKS, ReadOptions
from importsvc.imports.models import Import
from organizations.models import Organization

# What error files have in the rows of imports without a file: JSON.
_OF_JSON = Formats(date_order="ymd", decimal_sign=".")


def find_origin(organization: Organization, import_id: int) -> Origin | None:
    """The formats and the mapping of an import's file; ``None`` if the organization has no such import."""
    import_ = Import.objects.for_organization(organization).filter(pk=import_id).first()
    if import_ is None:
        return None
    if not import_.file_options:
        return Origin(_OF_JSON, None)
    options = ReadOptions(**import_.file_options[0])
    detected = get_formats(options)
    try:
        mapping = read_mapping(import_.mapping)
    except MappingInvalid:  # a type is not registered any more
        return Origin(detected, None)
    formats = mapping.formats.or_else(detected)
    return Origin(formats, replace(mapping, formats=formats), number_sign="." if options.format in WORKBOOKS else None)
