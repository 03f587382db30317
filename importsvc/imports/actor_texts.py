"""An actor in words, as the pages show it."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString

from importsvc.imports.actors import Actor


def show_actor(actor: Actor) -> SafeString:
    """An actor, such as ``Ada (person 1)``: only its name is isolated, so that the rest reads as it is."""
    before, after = actor.words_around_name
    return format_html("{}<bdi>{}</bdi>{}", before, actor.name, after)
