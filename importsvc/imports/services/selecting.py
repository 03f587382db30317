"""Imports chosen by what they have in common, for operators, who belong to no organization."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import Q, QuerySet

from importsvc.errors import RecordNotFound
from importsvc.imports.models import Import
from organizations.models import Organization


def select_imports(organization_id: int | None) -> QuerySet[Import]:
    """Imports of this organization; ``None``: of all.

    Raises:
        RecordNotFound: there is no such organization.
    """
    imports = Import.objects.all()
    if organization_id is None:
        return imports
    organization = Organization.objects.filter(pk=organization_id).first()
    if organization is None:
        raise RecordNotFound
    return imports.for_organization(organization)


def select_revertible(
    *,
    organization_id: int | None = None,
    samples: Collection[bool | None] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    import_model_id: int | None = None,
) -> list[int]:
    """The ids of imports that are processed and not reverted, the one that was processed last first.

    In this order each is reverted before those that it may have built upon. Imports are run in the order that somebody
    wants, which need not be that of their ids.

    Args:
        organization_id: only of this organization; ``None`` here and below: any.
        samples: only with one of these in ``sample``; null is a value like the others.
        since: only those processed then or later.
        until: only those processed before.
        import_model_id: only with this number.

    Raises:
        RecordNotFound: there is no such organization.
    """
    imports = select_imports(organization_id).filter(processed_at__isnull=False, reverted_at__isnull=True)
    if samples is not None:
        condition = Q(sample__in=[sample for sample in samples if sample is not None])
        imports = imports.filter(condition | Q(sample__isnull=True) if None in samples else condition)
    if since is not None:
        imports = imports.filter(processed_at__gte=since)
    if until is not None:
        imports = imports.filter(processed_at__lt=until)
    if import_model_id is not None:
        imports = imports.filter(import_model_id=import_model_id)
    return list(imports.order_by("-processed_at", "-id").values_list("pk", flat=True))
