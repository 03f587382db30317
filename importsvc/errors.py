"""What the core raises when it refuses: a code and data. ``importsvc.jsonapi.errors`` alone turns it into HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class DomainError(Exception):
    """A refusal the caller can understand and act on.

    Attributes:
        code: a stable name, one of the contract's (section 2.2): ``invalid_attribute``, ``conflict``…
        detail: what is wrong: a sentence, or for row errors the object that the contract's section 1 describes.
        attribute: the attribute of the request that is to blame, if one is.
        meta: further data for programs.
    """

    code: str = "server_error"

    def __init__(
        self,
        detail: str | Mapping[str, Any],
        *,
        attribute: str | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.attribute = attribute
        self.meta = meta


class InvalidAttribute(DomainError):
    """An attribute of the request is not acceptable."""

    code = "invalid_attribute"


class Conflict(DomainError):
    """The request is understood, but the state of things does not allow it."""

    code = "conflict"


class Busy(Conflict):
    """Others are doing at this moment what excludes this; nothing was decided, and trying again later may succeed."""


class PreconditionFailed(DomainError):
    """What the caller looked at before is not as it was then, and nothing was done."""

    code = "precondition_failed"

    def __init__(self) -> None:
        super().__init__("Something has changed since the preview whose ETag If-Match names")


class IdempotencyKeyReused(DomainError):
    """The key was given to another request before."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another request")


class RecordNotFound(DomainError):
    """There is no such record in this organization. What exists elsewhere makes no difference to the message."""

    code = "record_not_found"

    def __init__(self) -> None:
        super().__init__("The requested record was not found")
