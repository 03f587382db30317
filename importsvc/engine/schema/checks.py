"""System checks of the types that are registered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core import checks
from django.db.models.expressions import DatabaseDefault

from importsvc.engine.schema import registry
from importsvc.engine.schema.importable import Importable


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
