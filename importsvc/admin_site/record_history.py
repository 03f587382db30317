"""The page of a record's history: what staff did to it, and what else is known to have written it.

Other sources of events are declared by their apps, because this package knows none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

# The latest edits by staff that are read.
EDITS = 500


@dataclass(frozen=True)
class Event:
    """Something that was done to a record, in words.

    Attributes:
        at: when.
        what: what was done, without its source.
        actor: of the event, as HTML; empty if it is not known.
        source: the name of what did it; empty for an edit.
        url: of the source's page, if the user may view it.
        undo: what can be done to undo it, as the text and the URL of a link, if the user may do that.
        values: name, value before and value after of each field that was written.
    """

    at: datetime
    what: str
    actor: SafeString | str
    source: str = ""
    url: str = ""
    values: tuple[tuple[str, str, str], ...] = ()
    undo: tuple[str, str] | None = None


# Returns the events of a record; ``None`` for records about which the source never knows anything.
ReadEvents = Callable[[HttpRequest, Any], Iterable[Event] | None]

_sources: list[ReadEvents] = []


def register(source: ReadEvents) -> None:
    """Declare a source of events."""
    if source not in _sources:
        _sources.append(source)


def read_history(request: HttpRequest, record: Any) -> list[Event] | None:
    """The events of a record, the latest first; ``None`` if no declared source knows records of this model."""
    found = [events for source in _sources if (events := source(request, record)) is not None]
    if not found:
        return None
    events = [*_read_edits(record), *(event for of_source in found for event in of_source)]
    return sorted(events, key=lambda event: event.at, reverse=True)


def _read_edits(record: Any) -> Iterator[Event]:
    content_type = ContentType.objects.get_for_model(type(record))
    entries = LogEntry.objects.filter(content_type=content_type, object_id=str(record.pk)).select_related("user")
    for entry in entries.order_by("-action_time", "-id")[:EDITS]:
        actor = format_html("staff <bdi>{}</bdi>", entry.user.get_username())
        yield Event(entry.action_time, entry.get_change_message(), actor)
