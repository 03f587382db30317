"""Which operations run, and how far they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Exists,
    F,
    Func,
    JSONField,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import JSONObject, NullIf
from django.utils import timezone

from importsvc.errors import RecordNotFound
from importsvc.operations.models import RUNNING, Kind, Operation, Progress, Status
from organizations.models import Organization
from organizations.tenancy import TenantSubquery

# The statuses that are shown: those that are stored, and ``running``.
STATUSES = (Status.QUEUED.value, RUNNING, Status.SUCCEEDED.value, Status.FAILED.value, Status.CANCELLED.value)

# So long a preview that has failed is shown, and not tried again.
FAILED_SECONDS = 10

# The processes of PostgreSQL, or those of the coordinator's processes on a node, and when they started.
_OF_COORDINATOR = "starts_with(coalesce(application_name, ''), 'citus_internal gpid=')"
_STARTS = (
    f"SELECT jsonb_object_agg(CASE WHEN {_OF_COORDINATOR} THEN right(application_name, 10)::bigint ELSE pid END,"  # noqa: S608 - a constant
    f" coalesce(backend_start - CASE WHEN {_OF_COORDINATOR} THEN interval '1 minute' ELSE interval '0' END,"
    " '-infinity')) FROM pg_stat_get_activity(NULL)"
    f" WHERE {_OF_COORDINATOR} = starts_with(current_setting('application_name'), 'citus_internal gpid=')"
)


class _IsConnected(Func):
    """Whether PostgreSQL still has the process that began the work at a time.

    A process with the same number may have been started since, but not before the work began. PostgreSQL hides the
    start of processes of other database users.

    In a cluster a node evaluates the condition. The coordinator's process has a process of its own there, which is
    named after it: the last ten digits are its number. It starts with the first statement of the attempt, and the
    clocks of the two servers differ, so that it counts if it started less than a minute later.
    """

    output_field = BooleanField()

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """A comparison with the starts of all processes, which PostgreSQL reads once for a statement."""
        (backend, of_backend), (began_at, of_start) = map(compiler.compile, self.get_source_expressions())
        sql = f"coalesce((({_STARTS}) ->> {backend}::text)::timestamptz <= {began_at}, false)"
        return sql, [*of_backend, *of_start]


def is_running(prefix: str = "") -> Q:
    """The condition that an operation runs; ``prefix`` leads to the operation."""
    return Q(**{f"{prefix}status": Status.QUEUED}) & _has_worker(f"{prefix}progress__")


def show_status(prefix: str = "") -> Combinable:
    """The status that is shown, one of ``STATUSES``."""
    return Case(When(is_running(prefix), then=Value(RUNNING)), default=F(f"{prefix}status"), output_field=CharField())


def show_progress(prefix: str = "") -> Combinable:
    """``phase``, which is null unless the operation runs, ``done`` and ``total``."""
    names = f"{prefix}progress__"
    phase = NullIf(F(f"{names}phase"), Value(""))
    return JSONObject(phase=phase, done=F(f"{names}done"), total=F(f"{names}total"))


def describe_progress(*, of_import: bool = False) -> dict[str, Any]:
    """The JSON schema of ``show_progress``, or of ``show_running``."""
    properties = {
        **({"operation_id": {"type": "integer"}} if of_import else {}),
        "phase": {"type": ["string", "null"], "enum": ["reading", "checking", "writing", None]},
        "done": {"type": "integer"},
        "total": {"type": "integer"},
    }
    return {
        "type": ["object", "null"] if of_import else "object",
        "required": list(properties),
        "properties": properties,
    }


def order_progress(progress: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a progress in the order that is shown; PostgreSQL sorts those of jsonb."""
    return {name: progress[name] for name in ("operation_id", "phase", "done", "total") if name in progress}


def show_running(prefix: str = "") -> Combinable:
    """The progress of the operation that runs on an import, with ``operation_id``; null if none does.

    A preview leaves the import as it is, and does not count. ``prefix`` leads to the import.
    """
    found = Progress.objects.filter(
        _has_worker(),
        ~Q(operation__kind=Kind.PREVIEW),
        operation__status=Status.QUEUED,
        organization_id=OuterRef(f"{prefix}organization_id"),
        operation__import_record_id=OuterRef(f"{prefix}pk"),
    )
    phase = NullIf(F("phase"), Value(""))
    shown = JSONObject(operation_id=F("operation_id"), phase=phase, done=F("done"), total=F("total"))
    return TenantSubquery(found.order_by("operation_id").values_list(shown)[:1], output_field=JSONField())


def filter_status(operations: QuerySet[Operation], statuses: Collection[str]) -> QuerySet[Operation]:
    """The operations that are shown with one of these statuses."""
    condition = Q(status__in=[status for status in statuses if status not in (Status.QUEUED, RUNNING)])
    # Not is_running(): PostgreSQL would join all rows of the progress, of which few belong to running operations. Not
    # Exists(): a cluster refuses it beside another condition.
    running = Q(pk__in=TenantSubquery(Progress.objects.filter(_has_worker()).values("operation")))
    if Status.QUEUED in statuses and RUNNING in statuses:
        condition |= Q(status=Status.QUEUED)
    elif RUNNING in statuses:
        condition |= Q(status=Status.QUEUED) & running
    elif Status.QUEUED in statuses:
        condition |= Q(status=Status.QUEUED) & ~running
    return operations.filter(condition)


def find_running(*, organization: Organization, import_id: int) -> Operation | None:
    """The operation that runs on an import of the organization; ``None`` if none does."""
    operations = Operation.objects.for_organization(organization).filter(is_running(), import_record_id=import_id)
    return operations.order_by("id").first()


class OperationStatus(NamedTuple):
    """An operation, with what is shown of it.

    Attributes:
        operation: the operation.
        status: one of ``STATUSES``.
        progress: ``phase``, ``done`` and ``total``.
    """

    operation: Operation
    status: str
    progress: dict[str, Any]


def read_status(*, organization: Organization, operation_id: int) -> OperationStatus:
    """An operation of the organization, with its status and progress.

    Raises:
        RecordNotFound: there is none.
    """
    found = _read_first(Operation.objects.for_organization(organization).filter(pk=operation_id))
    if found is None:
        raise RecordNotFound
    return found


def find_latest(*, organization: Organization, import_id: int) -> OperationStatus | None:
    """The operation on an import that was queued last; ``None`` if there was none. Previews do not count."""
    operations = Operation.objects.for_organization(organization).filter(import_record_id=import_id)
    return _read_first(operations.exclude(kind=Kind.PREVIEW).order_by("-id"))


def find_preview(
    *, organization: Organization, import_id: int, arguments: Mapping[str, Any], since: datetime
) -> OperationStatus | None:
    """The preview of an import that was queued last, with its result; ``None`` if none holds.

    It holds unless it was cancelled, finished before ``since``, or work on the import has failed after it was queued.
    One that has failed itself holds for ``FAILED_SECONDS``.

    Args:
        organization: of the import.
        import_id: the import.
        arguments: of the preview.
        since: for previews that have finished.
    """
    operations = Operation.objects.for_organization(organization).filter(import_record_id=import_id)
    failed = operations.exclude(kind=Kind.PREVIEW).filter(status=Status.FAILED, pk__gt=OuterRef("pk"))
    previews = operations.filter(~Exists(failed), kind=Kind.PREVIEW, arguments__arguments=dict(arguments))
    holding = previews.exclude(status=Status.CANCELLED).filter(Q(finished_at=None) | Q(finished_at__gte=since))
    retried = timezone.now() - timedelta(seconds=FAILED_SECONDS)
    holding = holding.exclude(status=Status.FAILED, finished_at__lt=retried)
    return _read_first(holding.order_by("-id"), with_result=True)


def _read_first(operations: QuerySet[Operation], *, with_result: bool = False) -> OperationStatus | None:
    if not with_result:
        operations = operations.defer("result")
    shown: Any = operations.annotate(shown_status=show_status(), shown_progress=show_progress())[:1]
    for operation in shown:
        return OperationStatus(operation, operation.shown_status, order_progress(operation.shown_progress))
    return None


def _has_worker(prefix: str = "") -> Q:
    """The condition that a worker does the operation of a ``Progress``, to which ``prefix`` leads."""
    connected = _IsConnected(F(f"{prefix}backend_pid"), F(f"{prefix}started_at"))
    return Q(**{f"{prefix}backend_pid__isnull": False}) & Q(connected)
