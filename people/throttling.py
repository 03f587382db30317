"""The limits of requests: of a token, and of all tokens of an organization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from importsvc.rate_limits.counters import Limit, Usage, count_request


class TokenThrottle(BaseThrottle):
    """Counts each request by one statement, for ``API_RATE_LIMIT`` and ``ORGANIZATION_RATE_LIMIT``."""

    _usages: Sequence[Usage] = ()

    def allow_request(self, request: Request, view: Any) -> bool:
        """Whether no limit is exceeded; a request that is refused counts, too."""
        limits = _get_limits(request.auth)
        self._usages = count_request(limits) if limits else ()
        # For the headers; see importsvc.http.rate_limits.
        request._request.rate_limits = self._usages  # type: ignore[attr-defined]
        return not any(usage.is_exceeded for usage in self._usages)

    def wait(self) -> float:
        """The seconds until no limit is exceeded."""
        return max(usage.seconds_left for usage in self._usages if usage.is_exceeded)


def _get_limits(token: Any) -> list[Limit]:
    parties = {"token": token.pk, "organization": token.person.organization_id}
    rates = settings.RATE_LIMITS
    return [Limit(name, f"{name}:{party}", rate) for name, party in parties.items() if (rate := rates.get(name))]
