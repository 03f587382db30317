"""Queries of imports: their state now, and imports of all organizations for operators."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, CharField, Q, QuerySet, Sum, Value, When
from django.db.models.expressions import Combinable
from django.db.models.lookups import IsNull

from importsvc.errors import RecordNotFound
from importsvc.imports.models import Import, ImportState, StagedChunk
from importsvc.imports.staging import staged_size
from importsvc.operations.selectors import order_progress, show_running
from importsvc.postgres.row_locks import IsLocked
from importsvc.postgres.row_version import RowVersion
from organizations.models import Organization

# In place of the state, while a request or a worker updates, imports or reverts the import.
RUNNING = "running"

# The states that are shown.
STATES = [state.value for state in ImportState] + [RUNNING]

# The version of an import and its staged rows, for ``If-Match``.
IMPORT_VERSION = RowVersion("created_at")


@dataclass(frozen=True)
class ImportStatus:
    """An import, with its organization and creator.

    Attributes:
        import_: the import.
        state: its state, or ``running``.
        progress: ``operation_id``, ``phase``, ``done`` and ``total`` of the operation that runs, or ``None``.
        staged_bytes: the size of its staged rows.
    """

    import_: Import
    state: str
    progress: dict[str, Any] | None
    staged_bytes: int


def show_state(prefix: str = "") -> Combinable:
    """The state of an import, or ``running``; ``prefix`` leads to the import."""
    return Case(
        # Not Exists(): PostgreSQL may read the operations of all organizations for that.
        When(Q(IsNull(show_running(prefix), False)) | Q(IsLocked(f"{prefix}created_at")), then=Value(RUNNING)),
        When(**{f"{prefix}reverted_at__isnull": False}, then=Value(ImportState.REVERTED.value)),
        When(**{f"{prefix}processed_at__isnull": False}, then=Value(ImportState.PROCESSED.value)),
        default=Value(ImportState.CREATED.value),
        output_field=CharField(),
    )


def read_state(*, organization: Organization, import_id: int) -> tuple[str, dict[str, Any] | None]:
    """The state and the progress of an import of the organization; see ``ImportStatus``."""
    imports = Import.objects.for_organization(organization).filter(pk=import_id)
    state, running = imports.values_list(show_state(), show_running()).get()
    return state, running and order_progress(running)


def read_version(*, organization: Organization, import_id: int) -> str:
    """The version of an import and its staged rows, which services take in ``if_match``.

    Raises:
        RecordNotFound: there is no such import.
    """
    imports = Import.objects.for_organization(organization).filter(pk=import_id)
    version: str | None = imports.values_list(IMPORT_VERSION, flat=True).first()
    if version is None:
        raise RecordNotFound
    return version


def list_staged_types(*, organization: Organization, import_id: int) -> set[str]:
    """The types of which an import has staged rows, or of which it was given none."""
    chunks = StagedChunk.objects.filter(organization_id=organization.pk, import_record_id=import_id)
    return set(chunks.values_list("record_type", flat=True).distinct())


def read_status(*, import_id: int) -> ImportStatus:
    """The status of an import.

    Raises:
        RecordNotFound: there is none.
    """
    statuses = _read_statuses(Import.objects.filter(pk=import_id))
    if not statuses:
        raise RecordNotFound
    return statuses[0]


def list_statuses(*, organization_id: int | None = None, limit: int) -> list[ImportStatus]:
    """The statuses of the latest imports, newest first, of one organization or of all.

    Raises:
        RecordNotFound: there is no such organization.
    """
    return _read_statuses(_select_imports(organization_id).order_by("-id")[:limit])


def read_staged_size(*, organization_id: int, import_id: int) -> int:
    """The size of an import's staged rows in bytes, without reading them; 0 if there is no such import."""
    chunks = StagedChunk.objects.filter(organization_id=organization_id, import_record_id=import_id)
    return chunks.aggregate(size=Sum("size"))["size"] or 0


def is_in_use(*, organization_id: int, import_id: int) -> bool:
    """Whether a transaction updates, runs or reverts the import at this moment. It is neither locked nor waited for."""
    imports = Import.objects.filter(organization_id=organization_id, pk=import_id)
    return imports.filter(Q(IsLocked("created_at"))).exists()


def select_revertible(
    *,
    organization_id: int | None = None,
    samples: Collection[bool | None] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    import_model_id: int | None = None,
) -> list[int]:
    """The ids of imports that are processed, and neither reverted nor pruned, the last processed first.

    In this order each import is reverted before the imports that it may depend on.

    Args:
        organization_id: only imports of this organization; ``None`` here and below means any.
        samples: only imports with one of these values of ``sample``, which may include ``None``.
        since: only imports processed at this time or later.
        until: only imports processed before this time.
        import_model_id: only imports with this value.

    Raises:
        RecordNotFound: there is no such organization.
    """
    imports = _select_imports(organization_id).filter(processed_at__isnull=False, reverted_at__isnull=True)
    imports = imports.filter(pruned_at=None)
    if samples is not None:
        condition = Q(sample__in=[sample for sample in samples if sample is not None])
        imports = imports.filter(condition | Q(sample__isnull=True) if None in samples else condition)
    bounds = {"processed_at__gte": since, "processed_at__lt": until, "import_model_id": import_model_id}
    imports = imports.filter(**{lookup: bound for lookup, bound in bounds.items() if bound is not None})
    return list(imports.order_by("-processed_at", "-id").values_list("pk", flat=True))


def _select_imports(organization_id: int | None) -> QuerySet[Import]:
    imports = Import.objects.all()
    if organization_id is None:
        return imports
    organization = Organization.objects.filter(pk=organization_id).first()
    if organization is None:
        raise RecordNotFound
    return imports.for_organization(organization)


def _read_statuses(imports: QuerySet[Import]) -> list[ImportStatus]:
    found: Any = imports.select_related("organization", "creator").annotate(
        size=staged_size(), state_now=show_state(), running=show_running()
    )
    return [
        ImportStatus(import_, import_.state_now, import_.running and order_progress(import_.running), import_.size)
        for import_ in found
    ]
