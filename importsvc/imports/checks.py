"""System checks of what imports rely on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.core import checks
from django.db import connections
from django.db.models.expressions import DatabaseDefault

from importsvc.engine import registry
from importsvc.engine.importable import Importable


@checks.register(checks.Tags.models)
def check_importables(**_: Any) -> list[checks.CheckMessage]:
    """What the apps registered fits together, and fits their models."""
    try:
        importables = registry.in_dependency_order()
    except ValueError as error:
        return [checks.Error(str(error), id="imports.E001")]
    return [message for importable in importables for message in _check_model(importable)]


def _check_model(importable: Importable) -> Iterator[checks.CheckMessage]:
    names = {field.name for field in importable.model._meta.concrete_fields}
    missing = [name for name in ("organization", *importable.column_names) if name not in names]
    if missing:
        text = f"The model of importable '{importable.name}' has no field {', '.join(missing)}"
        yield checks.Error(text, obj=importable.model, id="imports.E003")
        return
    for field in importable.other_fields:
        # An import asks for a default once, in Python, and gives it to every record.
        default = field.get_default()
        if isinstance(default, DatabaseDefault) or (field.unique if default is not None else not field.null):
            text = f"Nothing can fill '{field.name}' of importable '{importable.name}'"
            hint = "Make it a column, or let it be null, or give it a default that all records may share."
            yield checks.Error(text, obj=importable.model, hint=hint, id="imports.E004")


@checks.register(checks.Tags.database)
def check_folding(databases: Sequence[str] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """PostgreSQL's ``lower()`` is the law of what is the same name or address: it must be a law for all letters."""
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
