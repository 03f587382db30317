"""Secrets that a page of the admin shows once."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.admin import ModelAdmin


def show_once(model_admin: ModelAdmin, request: HttpRequest, name: str, secret: str, *, element: str) -> None:
    """Show a secret on the next page, with a button that copies it. ``name`` begins the sentence: ``The token of Ada``.

    ``element`` is the id of the element that has the secret. A message is shown once, and neither browsers nor proxies
    cache pages of the admin.
    """
    button = format_html(
        '<button type="button" class="cursor-pointer font-semibold underline" data-copies="{}">Copy</button>', element
    )
    text = format_html(
        '{} is <code id="{}">{}</code> – {} it now, it cannot be shown again.', name, element, secret, button
    )
    model_admin.message_user(request, text, messages.WARNING)
