"""The rate limit of requests: ``API_RATE_LIMIT``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.throttling import SimpleRateThrottle

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.views import APIView


class RateLimit(SimpleRateThrottle):
    """A limit for each person, counted in Django's cache; no limit if the setting is empty."""

    scope = "api"

    def get_rate(self) -> str | None:
        """The setting, such as ``100/second``."""
        return settings.API_RATE_LIMIT or None

    def get_cache_key(self, request: Request, view: APIView) -> str:
        """The key of the person: all tokens of a person share one limit."""
        return self.cache_format % {"scope": self.scope, "ident": request.user.pk}
