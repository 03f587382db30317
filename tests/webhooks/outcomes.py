"""Attempts at a time that the test decides, and what they leave in the row of a delivery."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Value

from importsvc.webhooks import sending
from importsvc.webhooks.models import WebhookDelivery
from importsvc.webhooks.posting import Answer
from importsvc.webhooks.sending import send_due

NOW = datetime(2024, 1, 15, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def send(*, after: timedelta = timedelta(0), limit: int = 100) -> int:
    """Send what is due some time after ``NOW``."""
    return send_due(limit=limit, now=NOW + after)


def outcome_of(delivery: WebhookDelivery) -> dict[str, Any]:
    """The columns that attempts write."""
    delivery.refresh_from_db()
    names = ("status", "attempts", "next_attempt_at", "last_status", "last_error", "delivered_at")
    return {name: getattr(delivery, name) for name in names}


def delivered(at: datetime = NOW, *, attempts: int = 1, status: int = 204) -> dict[str, Any]:
    return {
        "status": "delivered",
        "attempts": attempts,
        "next_attempt_at": None,
        "last_status": status,
        "last_error": None,
        "delivered_at": at,
    }


def pending(next_attempt_at: datetime, *, attempts: int, status: int | None, error: str | None) -> dict[str, Any]:
    return {
        "status": "pending",
        "attempts": attempts,
        "next_attempt_at": next_attempt_at,
        "last_status": status,
        "last_error": error,
        "delivered_at": None,
    }


def failed(*, attempts: int, status: int | None, error: str) -> dict[str, Any]:
    return {**pending(NOW, attempts=attempts, status=status, error=error), "status": "failed", "next_attempt_at": None}


def take(after: timedelta = timedelta(0)) -> sending._Attempt:
    """Take a delivery as a worker does that dies afterwards."""
    attempt = sending._take(Value(NOW + after), running=())
    assert attempt is not None
    return attempt


def record(attempt: sending._Attempt, answer: Answer) -> None:
    """Write the outcome of an attempt, at ``NOW``."""
    sending._record(attempt, answer, Value(NOW))
