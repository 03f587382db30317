"""Responses that a browser saves as files. They are for the client only, and not to be stored by caches."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header


def attach(content: bytes, *, name: str, content_type: str) -> HttpResponse:
    """A response with a file of this name."""
    return HttpResponse(content, content_type=content_type, headers=_make_headers(name))


def attach_parts(parts: Iterable[bytes], *, name: str, content_type: str) -> StreamingHttpResponse:
    """A response that streams a file of this name."""
    return StreamingHttpResponse(parts, content_type=content_type, headers=_make_headers(name))


def _make_headers(name: str) -> dict[str, str]:
    """How the file is saved (RFC 6266)."""
    disposition = content_disposition_header(as_attachment=True, filename=name)
    return {"Content-Disposition": str(disposition), "Cache-Control": "private, no-store"}
