"""Headers that forbid browsers what no page of the service needs, beside those of Django and django-csp."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

_UNUSED = "accelerometer", "camera", "geolocation", "gyroscope", "magnetometer", "microphone", "payment", "usb"
PERMISSIONS = ", ".join(f"{feature}=()" for feature in _UNUSED)


class PermissionsPolicy:
    """Adds ``Permissions-Policy`` to every response."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response with the header."""
        response = self._get_response(request)
        response.headers["Permissions-Policy"] = PERMISSIONS
        return response
