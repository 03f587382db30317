"""The headers ``RateLimit-Policy`` and ``RateLimit`` (draft-ietf-httpapi-ratelimit-headers)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from importsvc.rate_limits.counters import Usage


class RateLimitHeaders:
    """Middleware that tells a client its limits, and what is left of them.

    A view leaves ``rate_limits`` on the request. The headers are not part of what an ``Idempotency-Key`` stores.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response, with the headers if the request was counted."""
        response = self._get_response(request)
        usages: Sequence[Usage] = getattr(request, "rate_limits", ())
        if usages:
            response.headers["RateLimit-Policy"] = ", ".join(map(_write_policy, usages))
            response.headers["RateLimit"] = ", ".join(map(_write_usage, usages))
        return response


def _write_policy(usage: Usage) -> str:
    rate = usage.limit.rate
    return f'"{usage.limit.name}";q={rate.count};w={rate.seconds}'


def _write_usage(usage: Usage) -> str:
    left = max(0, usage.limit.rate.count - usage.count)
    return f'"{usage.limit.name}";r={left};t={math.ceil(usage.seconds_left)}'
