"""Imports that were not run because of errors, and the last run or check of an import that failed.

It was refused during its request, or it is an operation that failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from importsvc.imports.actors import Actor, read_actor
from importsvc.imports.models import Import, ImportState, Refusal
from importsvc.operations.models import Kind, Operation, Status
from organizations.tenancy import TenantSubquery


@dataclass(frozen=True)
class Failure:
    """A run or a check of an import that failed.

    Attributes:
        kind: of the work, as operations have it: ``import``, ``check``, ``update``.
        failed_at: when it failed.
        actor: the person or user that asked for it.
        errors: objects with ``code``, ``detail``, ``attribute`` and ``meta``.
        row_error_count: the number of all row errors; ``None`` if it is not known, or did not fail because of rows.
        operation_id: the operation; ``None`` if it was refused during its request.
    """

    kind: str
    failed_at: datetime
    actor: Actor
    errors: Sequence[Mapping[str, Any]]
    row_error_count: int | None = None
    operation_id: int | None = None


def select_failed(imports: QuerySet[Import]) -> QuerySet[Import]:
    """Those that were not run, and that have row errors or a failure that ``find_failure`` finds."""
    # Not Exists(): a cluster refuses it beside another condition.
    failed = Operation.objects.filter(status=Status.FAILED).exclude(kind=Kind.PREVIEW)
    failed = failed.filter(finished_at__gte=Coalesce("import_record__staged_at", F("finished_at")))
    has_failed = Q(pk__in=TenantSubquery(failed.values("import_record")))
    was_refused = Q(pk__in=TenantSubquery(Refusal.objects.values("import_record")))
    return imports.filter(Q(error_count__gt=0) | has_failed | was_refused, processed_at=None)


def find_failure(import_: Import) -> Failure | None:
    """The last failure of an import that was not run since, and whose rows were not changed since."""
    if import_.state != ImportState.CREATED:
        return None
    found = [each for each in (_find_refusal(import_), _find_operation(import_)) if each is not None]
    return max(found, key=lambda failure: failure.failed_at, default=None)


def _find_refusal(import_: Import) -> Failure | None:
    key = {"organization_id": import_.organization_id, "import_record_id": import_.pk}
    refusal = Refusal.objects.filter(**key).first()
    if refusal is None:
        return None
    actor = Actor(**refusal.refused_by)
    return Failure(refusal.kind, refusal.refused_at, actor, refusal.errors, refusal.row_error_count)


def _find_operation(import_: Import) -> Failure | None:
    key = {"organization_id": import_.organization_id, "import_record_id": import_.pk}
    failed = Operation.objects.filter(**key, status=Status.FAILED).exclude(kind=Kind.PREVIEW)
    operation = failed.select_related("creator").order_by("-id").first()
    if operation is None or operation.finished_at is None:
        return None
    if import_.staged_at is not None and operation.finished_at < import_.staged_at:
        return None
    creator = operation.creator
    actor = read_actor(operation.arguments.get("actor")) or Actor("person", str(creator), creator.pk)
    return Failure(operation.kind, operation.finished_at, actor, operation.errors, operation_id=operation.pk)
