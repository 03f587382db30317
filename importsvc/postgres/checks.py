"""System check of the database: its ``lower()`` must fold letters as imports need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.db import connections


@checks.register(checks.Tags.database)
def check_folding(databases: Sequence[str] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """PostgreSQL's ``lower()`` decides which names and addresses are equal, so it must fold all letters."""
    messages: list[checks.CheckMessage] = []
    for alias in databases or []:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT current_setting('server_encoding'), lower('I'), lower('É')")
            encoding, plain, accented = cursor.fetchone()
        if encoding != "UTF8" or plain != "i":
            hint = "Make a database with ENCODING 'UTF8' and a locale that is not Turkish or Azerbaijani."
            text = f"Database '{alias}' cannot fold names as imports do"
            messages.append(checks.Error(text, hint=hint, id="imports.E002"))
        elif accented != "é":
            hint = "Make a database whose LC_CTYPE is a UTF-8 locale, such as C.UTF-8."
            text = f"Database '{alias}' folds plain letters only: 'École' and 'ÉCOLE' will be two companies"
            messages.append(checks.Warning(text, hint=hint, id="imports.W001"))
    return messages
