"""What the description of the API says about a handler, and cannot read from its view."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, TypeVar

Handler = TypeVar("Handler", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class Deprecation:
    """A handler that clients should stop to call.

    Attributes:
        since: when it is deprecated, or was.
        sunset: when it may be removed; ``None`` if that is not decided.
        link: the URL of a page that says what to call instead.
    """

    since: datetime
    sunset: datetime | None = None
    link: str

    def write_headers(self) -> dict[str, str]:
        """The headers of its responses: ``Deprecation`` (RFC 9745), ``Sunset`` (RFC 8594) and ``Link``."""
        headers = {"Deprecation": f"@{int(self.since.timestamp())}", "Link": f'<{self.link}>; rel="deprecation"'}
        if self.sunset:
            headers["Sunset"] = format_datetime(self.sunset.astimezone(UTC), usegmt=True)
        return headers


@dataclass(frozen=True, kw_only=True)
class Description:
    """A handler, as the description of the API has it.

    Attributes:
        summary: what it does, in a few words.
        serializer: of the attributes in the request's document; ``None`` if it takes no document.
        alternatives: serializers of other documents that the request may have, by the relationship that these set.
        relationship: the relationship that the request's document must set; empty if there is none.
        is_required: whether the request must have a document.
        is_partial: whether all attributes may be left out.
        takes_file: whether the request brings a file in place of a document.
        file_type: the media type of the file that the response is in place of a document; empty if it is a document.
        status: of the successful response.
        takes_if_match: whether it reads ``If-Match``.
        takes_prefer: whether it reads ``Prefer``, and may respond with an operation.
        has_data: whether the response has primary data.
        further_attributes: JSON schemas of attributes that only this response has, by name.
        meta: JSON schemas of members of ``meta`` that only this response has, by name.
        component: the name of the schema of the response's resource; the type by default.
        attributes: of that schema, if no serializer declares them: JSON schemas by name.
        path_parameters: JSON schemas of parameters of the path besides the id, by name.
        example: attributes of a request's document.
        previews: the name of the handler whose effect it shows, and which takes its ``ETag`` as ``If-Match``.
        deprecation: since when it is deprecated, and until when it is there.
        errors: codes of errors besides those that follow from the rest.
    """

    summary: str
    serializer: Any = None
    alternatives: Mapping[str, Any] = field(default_factory=dict)
    relationship: str = ""
    is_required: bool = False
    is_partial: bool = False
    takes_file: bool = False
    file_type: str = ""
    status: int = 200
    takes_if_match: bool = False
    takes_prefer: bool = False
    has_data: bool = True
    further_attributes: Mapping[str, Any] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)
    component: str = ""
    attributes: Mapping[str, Any] | None = None
    path_parameters: Mapping[str, Any] = field(default_factory=dict)
    example: Mapping[str, Any] | None = None
    previews: str = ""
    deprecation: Deprecation | None = None
    errors: tuple[str, ...] = ()


def described(summary: str, **more: Any) -> Callable[[Handler], Handler]:
    """Describe a handler; see ``Description``. Decorators around this one keep the description."""

    def decorate(handler: Handler) -> Handler:
        handler.description = Description(summary=summary, **more)  # type: ignore[attr-defined]
        return handler

    return decorate
