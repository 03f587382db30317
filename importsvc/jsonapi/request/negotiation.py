"""Content negotiation: ``Content-Type`` and ``Accept`` (contract, section 2.1; JSON:API 1.1, section 5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from django.utils.http import parse_header_parameters
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from importsvc.jsonapi.errors import MEDIA_TYPE, RequestError
from importsvc.jsonapi.request.uploads import FileParser


class JsonApiContentNegotiation(BaseContentNegotiation):
    """JSON:API, with the media type parameters that clients use, and the files that some views respond with."""

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
        """The renderer of documents, also where the view responds with a file: errors are documents in any case.

        Raises:
            NotAcceptable: ``Accept`` does not allow JSON:API.
            RequestError: it does not allow the type of the file.
        """
        file_type = request.parser_context["view"].file_type
        if not _is_allowed(file_type or MEDIA_TYPE, request.META.get("HTTP_ACCEPT", "").strip()):
            if file_type:
                detail = f"The answer is a file of type {file_type}, which the Accept header does not allow"
                raise RequestError("not_acceptable", detail, header="Accept")
            raise NotAcceptable
        return next(iter(renderers)), MEDIA_TYPE


def _is_allowed(media_type: str, header: str) -> bool:
    allowed = dict(_read_accept(header))
    # From the most specific to the least specific; the first one in the header decides.
    ranges = (media_type, f"{media_type.partition('/')[0]}/*", "*/*")
    return next((allowed[name] for name in ranges if name in allowed), 0.0 if header else 1.0) > 0


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
