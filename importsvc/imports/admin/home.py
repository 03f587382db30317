"""The admin's home page: an overview of all imports, from a fixed number of fast queries.

Numbers of rows are those of created and updated rows in ``Import.counts``; the change log is not read. A failed run is
rolled back and leaves nothing in the import: imports that are shown as "created" may also have failed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, Case, Count, F, Q, QuerySet, Sum, Value, When, Window
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce, TruncDate
from django.http import HttpRequest
from django.utils import timezone

from importsvc.imports.admin.changelist import (
    STATE_LABELS,
    WRITTEN,
    ImportListAdmin,
    describe_duration,
    describe_made,
    describe_run,
)
from importsvc.imports.admin.day_chart import make_day_chart
from importsvc.imports.admin.home_search import read_search
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services import get_record_types

DAYS = 30
LATEST = 10
ORGANIZATIONS = 5
WAITING = 10
# Most imports are run within minutes of their creation, and finish within minutes.
WAITS_SINCE = timedelta(hours=1)
IS_STUCK_AFTER = timedelta(minutes=15)

# The states in the order in which they are shown.
STATES = (ImportState.PROCESSED, ImportState.REVERTED, ImportState.CREATED)

# The xmax of a row is the id of the transaction that locks or writes it, and that transaction holds a lock on its id
# until it ends. PostgreSQL may hide the start of transactions of other database users.
_RUNNING = """SELECT import.id, activity.xact_start
FROM pg_locks AS held
JOIN pg_stat_activity AS activity ON activity.pid = held.pid
JOIN imports_import AS import ON import.xmax = held.transactionid
WHERE held.locktype = 'transactionid' AND held.granted AND import.processed_at IS NULL
AND activity.xact_start IS NOT NULL"""


@dataclass(frozen=True)
class Day:
    """The numbers of imports that were created on one day in UTC, and of their rows, by their state now."""

    day: date
    imports: dict[ImportState, int]
    rows: dict[ImportState, int]


@dataclass(frozen=True)
class Unfinished:
    """An import that is not processed; ``is_stuck`` if the transaction that runs or updates it takes suspiciously long.

    ``since`` is the start of that transaction; the creation of the import if there is none.
    """

    import_: Import
    is_running: bool
    is_stuck: bool
    since: datetime


def count_days(*, now: datetime) -> list[Day]:
    """The last 30 days, oldest first, including days without imports."""
    dates = [_first_day(now) + timedelta(days=number) for number in range(DAYS)]
    days = {day: Day(day, dict.fromkeys(STATES, 0), dict.fromkeys(STATES, 0)) for day in dates}
    by_day = _recent(now).filter(created_at__lt=_midnight(dates[-1] + timedelta(days=1)))
    groups = by_day.annotate(day=TruncDate("created_at", tzinfo=UTC), state_now=_state()).values("day", "state_now")
    for group in groups.annotate(imports=Count("*"), rows=Sum(_written())).order_by("day", "state_now"):
        day, state = days[group["day"]], ImportState(group["state_now"])
        day.imports[state], day.rows[state] = group["imports"], int(group["rows"] or 0)
    return list(days.values())


def find_busiest_organizations(*, now: datetime) -> list[dict[str, Any]]:
    """The organizations with most rows in the last 30 days: ``organization``, ``name``, ``imports`` and ``rows``."""
    groups = _recent(now).values("organization", name=F("organization__name"))
    counted = groups.annotate(imports=Count("*"), rows=Sum(_written()))
    return [dict(found) for found in counted.order_by("-rows", "organization")[:ORGANIZATIONS] if found["rows"]]


def find_latest() -> list[Import]:
    """The latest imports, with organization and creator."""
    return list(_select_imports().order_by("-id")[:LATEST])


def find_unfinished(*, now: datetime) -> tuple[list[Unfinished], int]:
    """The first unfinished imports and the number of all.

    First come running imports, the longest running first, then imports that were created more than an hour ago, newest
    first. Running imports are found by the locks that their transactions hold.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RUNNING)
        running: dict[int, datetime] = dict(cursor.fetchall())
    waiting = Q(pk__in=running) | Q(created_at__lt=now - WAITS_SINCE)
    imports = _select_imports().filter(waiting, processed_at=None).annotate(in_all=Window(Count("*")))
    order = Case(When(pk__in=running, then=0), default=1) if running else Value(1)
    shown = list(imports.annotate(place=order).order_by("place", "-id")[:WAITING])
    unfinished = [_describe(import_, running.get(import_.pk), now) for import_ in shown]
    unfinished.sort(key=lambda found: (not found.is_running, found.since if found.is_running else now))
    return unfinished, shown[0].in_all if shown else 0


def add_overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The context of the home page: the search and what it finds, or the overview if the user may view imports."""
    context |= read_search(request)
    if "found" in context or not request.user.has_perm("imports.view_import"):
        return context
    now = timezone.now()
    days = count_days(now=now)
    unfinished, unfinished_count = find_unfinished(now=now)
    return context | {
        "shows_imports": True,
        "days": DAYS,
        "totals": [
            {
                "title": state.value,
                "label": STATE_LABELS[state],
                "imports": sum(day.imports[state] for day in days),
                "rows": sum(day.rows[state] for day in days),
            }
            for state in STATES
        ],
        "imports_chart": make_day_chart({day.day: day.imports for day in days}, STATES),
        "rows_chart": make_day_chart({day.day: day.rows for day in days}, STATES[:2]),
        "no_imports": f"No imports in the last {DAYS} days.",
        "no_rows": f"No rows in the last {DAYS} days.",
        "empty_text": f"No imports yet. {ImportListAdmin.empty_text}",
        "latest": [
            {
                "import": import_,
                "label": STATE_LABELS[import_.state],
                "made": describe_made(import_.counts),
                "duration": describe_run(import_),
            }
            for import_ in find_latest()
        ],
        "busiest_title": f"Most rows in the last {DAYS} days",
        "organizations": find_busiest_organizations(now=now),
        "may_view_organizations": request.user.has_perm("organizations.view_organization"),
        "unfinished": [(found, describe_duration(now - found.since)) for found in unfinished],
        "unfinished_count": unfinished_count,
    }


def _first_day(now: datetime) -> date:
    return now.astimezone(UTC).date() - timedelta(days=DAYS - 1)


def _recent(now: datetime) -> QuerySet[Import]:
    return Import.objects.filter(created_at__gte=_midnight(_first_day(now)))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _select_imports() -> QuerySet[Import]:
    return Import.objects.defer("shared_values").select_related("organization", "creator")


def _state() -> Case:
    return Case(
        When(reverted_at__isnull=False, then=Value(ImportState.REVERTED.value)),
        When(processed_at__isnull=False, then=Value(ImportState.PROCESSED.value)),
        default=Value(ImportState.CREATED.value),
    )


def _written() -> Combinable:
    """The number of rows of all registered types that an import wrote."""
    numbers = [
        Coalesce(Cast(KeyTextTransform(verb, KeyTextTransform(record_type, "counts")), BigIntegerField()), 0)
        for record_type in get_record_types()
        for verb in WRITTEN
    ]
    return sum(numbers, start=Value(0))


def _describe(import_: Import, runs_since: datetime | None, now: datetime) -> Unfinished:
    is_stuck = runs_since is not None and now - runs_since > IS_STUCK_AFTER
    return Unfinished(import_, runs_since is not None, is_stuck, since=runs_since or import_.created_at)
