"""Content negotiation: ``Content-Type`` and ``Accept`` (contract, section 2.1; JSON:API 1.1, section 5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from django.utils.http import parse_header_parameters
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from importsvc.jsonapi.errors import MEDIA_TYPE
from importsvc.jsonapi.request.uploads import FileParser

# From the most specific to the least specific; the first one in the header decides.
_RANGES = (MEDIA_TYPE, "application/*", "*/*")


class JsonApiContentNegotiation(BaseContentNegotiation):
    """JSON:API only, with the media type parameters that clients use."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """The parser; ``None``, which leads to 415, if the ``Content-Type`` is not supported.

        Files may be of any type.
        """
        view = request.parser_context["view"]
        if view.action in view.file_actions:
            return FileParser()
        media_type, parameters = _parse(request.content_type)
        return next(iter(parsers)) if media_type == MEDIA_TYPE and _are_known(parameters) else None

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The renderer.

        Raises:
            NotAcceptable: ``Accept`` does not allow JSON:API.
        """
        header = request.META.get("HTTP_ACCEPT", "").strip()
        allowed = dict(_read_accept(header))
        quality = next((allowed[name] for name in _RANGES if name in allowed), 0.0 if header else 1.0)
        if quality <= 0:
            raise NotAcceptable
        return next(iter(renderers)), MEDIA_TYPE


def _read_accept(header: str) -> Iterator[tuple[str, float]]:
    """The media ranges with their quality, without JSON:API ranges that have an unknown parameter."""
    for part in header.split(","):
        media_range, parameters = _parse(part)
        try:
            quality = float(parameters.pop("q", "1"))
        except ValueError:
            continue
        if _are_known(parameters) or media_range != MEDIA_TYPE:
            yield media_range, quality


def _parse(header: str) -> tuple[str, dict[str, str]]:
    try:
        return parse_header_parameters(header)
    except (ValueError, TypeError):  # from parameters with an invalid RFC 2231 encoding
        return "", {}


def _are_known(parameters: Mapping[str, str]) -> bool:
    return all(
        name == "profile" or (name, value.lower()) in {("charset", "utf-8"), ("ext", "bulk")}
        for name, value in parameters.items()
    )
