"""What is known of imports, for operators, who belong to no organization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from importsvc.errors import RecordNotFound
from importsvc.imports.models import Import
from importsvc.imports.services.selecting import select_imports
from importsvc.imports.staging import staged_size


@dataclass(frozen=True)
class ImportStatus:
    """An import and how much is staged.

    Attributes:
        import_: the import with its organization and creator, without its staged data.
        staged_bytes: the size of that.
    """

    import_: Import
    staged_bytes: int


def read_status(*, import_id: int) -> ImportStatus:
    """What is known of an import.

    Raises:
        RecordNotFound: there is none.
    """
    statuses = _read(Import.objects.filter(pk=import_id))
    if not statuses:
        raise RecordNotFound
    return statuses[0]


def list_statuses(*, organization_id: int | None = None, limit: int) -> list[ImportStatus]:
    """What is known of the imports made last, the last one first; of all organizations, unless one is named.

    Raises:
        RecordNotFound: there is no such organization.
    """
    return _read(select_imports(organization_id).order_by("-id")[:limit])


def _read(imports: QuerySet[Import]) -> list[ImportStatus]:
    found: Any = imports.select_related("organization", "creator").annotate(size=staged_size())
    return [ImportStatus(import_, import_.size) for import_ in found]
