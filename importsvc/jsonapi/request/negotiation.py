"""Which requests we can read and which answers we can give (contract, section 2.1; JSON:API 1.1, section 5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from django.utils.http import parse_header_parameters
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from importsvc.jsonapi.errors import MEDIA_TYPE

# From the most particular to the least: the first that the client mentions decides.
_RANGES = (MEDIA_TYPE, "application/*", "*/*")


class JsonApiContentNegotiation(BaseContentNegotiation):
    """JSON:API only, with the parameters that clients of this family send."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """The parser, or ``None`` (415) when the ``Content-Type`` is not ours to read."""
        media_type, parameters = _parse(request.content_type)
        return next(iter(parsers)) if media_type == MEDIA_TYPE and _are_known(parameters) else None

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The renderer, if ``Accept`` allows what it makes.

        Raises:
            NotAcceptable: it allows nothing that we have.
        """
        header = request.META.get("HTTP_ACCEPT", "").strip()
        allowed = dict(_read_accept(header))
        quality = next((allowed[name] for name in _RANGES if name in allowed), 0.0 if header else 1.0)
        if quality <= 0:
            raise NotAcceptable
        return next(iter(renderers)), MEDIA_TYPE


def _read_accept(header: str) -> Iterator[tuple[str, float]]:
    """Media ranges with their quality; ours, when modified by a parameter that we do not know, is left out."""
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
    except (ValueError, TypeError):  # by parameters whose RFC 2231 encoding makes no sense
        return "", {}


def _are_known(parameters: Mapping[str, str]) -> bool:
    for name, value in parameters.items():
        known = name == "profile" or (name, value.lower()) in {("charset", "utf-8"), ("ext", "bulk")}
        if not known:
            return False
    return True
