"""The importable types for callers outside the engine: their names, models and resource types."""

from __future__ import annotations

from typing import Any

from django.db.models import Field, Model, Value
from django.db.models.functions import Lower

from importsvc.engine.schema import registry
from importsvc.engine.schema.importable import get_plural_name


def get_record_types() -> list[str]:
    """The names of all importables, each after the ones that it refers to."""
    return registry.get_names()


def get_record_models() -> list[type[Model]]:
    """The models of all importables, in the same order."""
    return [importable.model for importable in registry.in_dependency_order()]


def get_match_keys() -> list[str]:
    """The names of all unique columns, sorted: the values of an import's ``match_by``."""
    return sorted({name for importable in registry.in_dependency_order() for name in importable.unique_columns})


def find_record_model(record_type: str) -> type[Model] | None:
    """The model of an importable; ``None`` if it is not registered."""
    return registry.get(record_type).model if record_type in registry.get_names() else None


def find_resource_model(resource_type: str) -> type[Model] | None:
    """The model of the records with this resource type; ``None`` if there is none."""
    return next((model for model in get_record_models() if get_plural_name(model) == resource_type), None)


def find_record_type(model: type[Model]) -> str | None:
    """The name of the importable whose records are of this model; ``None`` if there is none."""
    return next((each.name for each in registry.in_dependency_order() if each.model is model), None)


def get_record_fields(record_type: str) -> list[Field[Any, Any]]:
    """The fields of an importable's model that an import may write, those of a row first and in its order.

    Empty if it is not registered.
    """
    if record_type not in registry.get_names():
        return []
    importable = registry.get(record_type)
    return [*importable.fields, *importable.other_fields]


def find_match_key(record_type: str) -> str | None:
    """The unique column by which rows of an importable match records; ``None`` without one, or if not registered."""
    return registry.get(record_type).match_key if record_type in registry.get_names() else None


def find_keyed_records(key: str, *, limit: int, organization_id: int | None = None) -> dict[str, list[tuple[int, int]]]:
    """Records of the organization, or of any, whose match key is ``key``, regardless of case.

    Returns:
        By importable name, the organization's id and the record's id; at most ``limit`` of each type.
    """
    found: dict[str, list[tuple[int, int]]] = {}
    for importable in registry.in_dependency_order():
        if importable.match_key:
            # The expression of the column's index.
            records = importable.model._default_manager.alias(key=Lower(importable.match_key))
            if organization_id is not None:
                records = records.filter(organization=organization_id)
            keyed = records.filter(key=Lower(Value(key))).values_list("organization_id", "pk")
            found[importable.name] = list(keyed[:limit])
    return found


def get_resource_type(record_type: str) -> str:
    """The resource type of the records of an importable; its name if it is not registered."""
    return _name(record_type, is_plural=True)


def describe_records(record_type: str, count: int) -> str:
    """A number of records in words: ``1 company``, ``2 people``; with the importable's name if it is not registered."""
    return f"{count} {_name(record_type, is_plural=count != 1)}"


def get_record_noun(record_type: str) -> str:
    """A word for one record of an importable, such as ``person``; its name if it is not registered."""
    return _name(record_type, is_plural=False)


def _name(record_type: str, *, is_plural: bool) -> str:
    try:
        model = registry.get(record_type).model
    except KeyError:  # an import may name a type that is no longer registered
        return record_type
    return get_plural_name(model) if is_plural else str(model._meta.verbose_name)
