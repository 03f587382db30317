"""Documents as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import JSONRenderer

from importsvc.jsonapi.errors import MEDIA_TYPE


class JsonApiRenderer(JSONRenderer):
    """Writes the documents that views make, and lists of error objects as error documents."""

    media_type = MEDIA_TYPE
    format = "vnd.api+json"
    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """The text; ``data`` is a document, or what ``importsvc.jsonapi.errors`` made of an exception."""
        context = renderer_context or {}
        document = {"errors": data} if context["response"].exception else data
        return super().render(document, accepted_media_type, context)
