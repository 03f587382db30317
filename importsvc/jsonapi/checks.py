"""System check: documents can be built from the declaration of every resource with a URL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core import checks
from django.urls import URLResolver, get_resolver

from importsvc.jsonapi.document.resources import UnknownDeclarationError, read_resource
from importsvc.jsonapi.views import JsonApiViewSet


@checks.register(checks.Tags.urls)
def check_resources(**_: Any) -> list[checks.CheckMessage]:
    """Each serializer of a view declares only what documents can be built from."""
    messages: list[checks.CheckMessage] = []
    for view_class in dict.fromkeys(_find_views(get_resolver())):
        try:
            read_resource(view_class.serializer_class)
        except UnknownDeclarationError as error:
            hint = "Declare it in terms of columns, or teach importsvc.jsonapi.document.resources to read it."
            messages.append(checks.Error(str(error), hint=hint, obj=view_class, id="jsonapi.E001"))
    return messages


def _find_views(resolver: URLResolver) -> Iterator[type[JsonApiViewSet]]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _find_views(pattern)
        else:
            view_class = getattr(pattern.callback, "cls", None)
            if isinstance(view_class, type) and issubclass(view_class, JsonApiViewSet):
                yield view_class
