"""The errors that services raise: a code and data. Only ``importsvc.jsonapi.errors`` turns them into HTTP responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class DomainError(Exception):
    """An error that the caller can understand and act on.

    Attributes:
        code: one of the codes of the contract (section 2.2), such as ``invalid_attribute`` or ``conflict``.
        detail: what is wrong: a sentence, or for row errors the object that section 1 of the contract describes.
        attribute: the attribute of the request that causes the error, if there is one.
        meta: further data for programs.
        retry_after: seconds after which another attempt may succeed; ``None`` if none will.
    """

    code = "server_error"
    default_detail = ""
    retry_after: int | None = None

    def __init__(
        self,
        detail: str | Mapping[str, Any] = "",
        *,
        attribute: str | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> None:
        self.detail = detail or self.default_detail
        super().__init__(self.detail)
        self.attribute = attribute
        self.meta = meta

    @property
    def each(self) -> tuple[DomainError, ...]:
        """The errors that a response lists: this one, unless it stands for several of the same code."""
        return (self,)


class InvalidAttribute(DomainError):
    """An attribute of the request is not acceptable."""

    code = "invalid_attribute"


class Conflict(DomainError):
    """The request is valid, but the current state of the data does not allow it."""

    code = "conflict"


class Busy(Conflict):
    """Another transaction is in the way. Nothing was changed, and a later attempt may succeed."""

    retry_after = 1


class Unavailable(Busy):
    """The work would have to wait longer than a request may. Nothing was changed, and a later attempt may succeed."""

    code = "service_unavailable"
    retry_after = 5


class DatabaseUnavailable(DomainError):
    """The database cannot be used at this moment. A commit that was under way may have succeeded."""

    code = "service_unavailable"
    default_detail = "The database cannot be used at this moment; try again later"
    retry_after = 5


class DiskFull(DomainError):
    """There is no room for the rows of the request. Nothing was changed."""

    code = "service_unavailable"
    default_detail = "The service has no room for these rows at this moment; try again later"
    retry_after = 60


class PreconditionFailed(DomainError):
    """The data has changed since the caller read it. Nothing was changed."""

    code = "precondition_failed"
    default_detail = "Something has changed since the preview whose ETag If-Match names"


class IdempotencyKeyReused(DomainError):
    """An earlier, different request has used the key."""

    code = "idempotency_key_reused"
    default_detail = "This Idempotency-Key was used for another request"


class RecordNotFound(DomainError):
    """The organization has no such record. The message is the same if another organization has one."""

    code = "record_not_found"
    default_detail = "The requested record was not found"


class FeatureUnavailable(DomainError):
    """The organization does not have the feature (``organization_features``)."""

    code = "access_denied"

    def __init__(self, feature: str) -> None:
        super().__init__(f"The feature '{feature}' is not available to this organization")
