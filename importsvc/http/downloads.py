"""Responses that a browser saves as files."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.http import content_disposition_header


def attach(content: bytes, *, name: str, content_type: str) -> HttpResponse:
    """A response with a file of this name (RFC 6266). It is for the client only, and not to be stored by caches."""
    headers = {
        "Content-Disposition": str(content_disposition_header(as_attachment=True, filename=name)),
        "Cache-Control": "private, no-store",
    }
    return HttpResponse(content, content_type=content_type, headers=headers)
