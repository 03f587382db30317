"""System checks of the registered types."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.core import checks
from django.db.models import ForeignKey, Model
from django.db.models.expressions import DatabaseDefault

from importsvc.engine.schema import registry
from importsvc.engine.schema.importable import Importable, get_plural_name, has_unique_constraint, is_over
from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint


@checks.register(checks.Tags.models)
def check_importables(**_: Any) -> list[checks.CheckMessage]:
    """Each registered type fits its model and the types that it refers to."""
    try:
        importables = registry.in_dependency_order()
    except ValueError as error:
        hint = "Refer to unique columns of other types, in no circle; leave other foreign keys out of the declaration."
        return [checks.Error(str(error), hint=hint, id="imports.E001")]
    return [message for importable in importables for message in _check_model(importable)]


def _check_model(importable: Importable) -> Iterator[checks.CheckMessage]:
    missing = [name for name in ("organization", *importable.column_names) if not _has_column(importable.model, name)]
    if missing:
        text = f"The model of importable '{importable.name}' has no field {', '.join(missing)}"
        hint = "Name the columns and references of an importable after fields of its model."
        yield checks.Error(text, obj=importable.model, hint=hint, id="imports.E003")
        return
    yield from _check_other_fields(importable)
    yield from _check_references(importable)
    yield from _check_unique_columns(importable)
    yield from _check_foreign_keys(importable)
    yield from _check_plural_name(importable)


def _check_other_fields(importable: Importable) -> Iterator[checks.CheckMessage]:
    for field in importable.other_fields:
        # An import computes a default once, in Python, and gives it to each record.
        default = field.get_default()
        if isinstance(default, DatabaseDefault) or (field.unique if default is not None else not field.null):
            text = f"Nothing can fill '{field.name}' of importable '{importable.name}'"
            hint = "Make it a column, or let it be null, or give it a default that all records may share."
            yield checks.Error(text, obj=importable.model, hint=hint, id="imports.E004")


def _check_references(importable: Importable) -> Iterator[checks.CheckMessage]:
    for reference in importable.references:
        field: Any = importable.model._meta.get_field(reference.name)
        target = registry.get(reference.to).model
        if not isinstance(field, ForeignKey) or field.related_model is not target:
            text = (
                f"{importable.name}.{reference.name} refers to '{reference.to}', but the field is no foreign key to it"
            )
            hint = f"Declare the field as a ForeignKey to {target._meta.label}, or refer to another type."
            yield checks.Error(text, obj=importable.model, hint=hint, id="imports.E005")


def _check_unique_columns(importable: Importable) -> Iterator[checks.CheckMessage]:
    for column in importable.columns:
        if not column.unique or has_unique_constraint(importable, column):
            continue
        arguments = f'(Lower("{column.name}"), "organization", name=…)'
        if column.case_sensitive:
            arguments = f'(fields=["organization", "{column.name}"], name=…)'
        if column.constrained:
            text = f"The unique column '{column.name}' of importable '{importable.name}' has no unique constraint"
            hint = f"Add UniqueConstraint{arguments} to the model, or declare the column with constrained=False."
            yield checks.Error(text, obj=importable.model, hint=hint, id="imports.E006")
        elif not any(is_over(index, column) for index in importable.model._meta.indexes):
            text = f"The unique column '{column.name}' of importable '{importable.name}' has no index"
            hint = f"Add Index{arguments} to the model: imports look values up by it."
            yield checks.Error(text, obj=importable.model, hint=hint, id="imports.E006")


def _check_foreign_keys(importable: Importable) -> Iterator[checks.CheckMessage]:
    model = importable.model
    keys = list(_find_keys(model))
    for field in model._meta.concrete_fields:
        if not isinstance(field, ForeignKey) or not _has_column(field.related_model, "organization"):
            continue
        referred = field.related_model._meta
        columns = {"organization": "organization", field.name: field.target_field.name}
        if (referred.label_lower, columns) not in keys:
            text = f"The foreign key '{field.name}' of importable '{importable.name}' does not include the organization"
            hint = f'Add a constraint with fields=["organization", "{field.name}"] that refers to {referred.label}.'
            yield checks.Error(text, obj=model, hint=hint, id="imports.E007")


def _check_plural_name(importable: Importable) -> Iterator[checks.CheckMessage]:
    name = get_plural_name(importable.model)
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        text = f"The plural name '{name}' of importable '{importable.name}' cannot be the type of a resource"
        hint = "Set verbose_name_plural of the model to a name of lower-case letters and underscores: line_items."
        yield checks.Error(text, obj=importable.model, hint=hint, id="imports.E008")


def _has_column(model: type[Model], name: str) -> bool:
    return name in {field.name for field in model._meta.concrete_fields}


def _find_keys(model: type[Model]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The foreign key constraints of the model: the label of the other model, and its fields by the model's own."""
    for constraint in model._meta.constraints:
        if isinstance(constraint, ForeignKeyConstraint):
            yield constraint.to.lower(), dict(zip(constraint.fields, constraint.to_fields, strict=True))
