"""The renderer of documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import JSONRenderer

from importsvc.jsonapi.errors import MEDIA_TYPE


class JsonApiRenderer(JSONRenderer):
    """Renders the documents of views, and lists of error objects as error documents."""

    media_type = MEDIA_TYPE
    format = "vnd.api+json"
    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """The text of ``data``: a document, or a list of error objects from ``importsvc.jsonapi.errors``."""
        context = renderer_context or {}
        document = {"errors": data} if context["response"].exception else data
        return super().render(document, accepted_media_type, context)
