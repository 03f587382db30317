"""The errors of operations, and the stored form of an operation's errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from importsvc.errors import Conflict, DomainError, PreconditionFailed


class AlreadyFinished(Conflict):
    """The operation is finished and cannot be cancelled."""

    def __init__(self, status: str) -> None:
        super().__init__(f"The operation is in status '{status}' and cannot be cancelled")


class WorkerLost(DomainError):
    """Each attempt ended with the end of its worker. Nothing was changed."""

    code = "worker_lost"
    default_detail = "The worker ended in each attempt, and nothing was changed"


class StoredError(DomainError):
    """An error of an operation, as the synchronous response would have it."""

    def __init__(self, stored: Mapping[str, Any]) -> None:
        super().__init__(stored["detail"], attribute=stored["attribute"], meta=stored["meta"])
        self.code = stored["code"]


def store_error(error: DomainError) -> dict[str, Any]:
    """The form in which operations store an error; ``StoredError`` takes it."""
    return {"code": error.code, "detail": error.detail, "attribute": error.attribute, "meta": error.meta}


def is_outdated(errors: Iterable[Mapping[str, Any]]) -> bool:
    """Whether stored errors say that something had changed since the caller has read it."""
    return any(error["code"] == PreconditionFailed.code for error in errors)
