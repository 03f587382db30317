"""What records of importable types are called as resources."""

from __future__ import annotations

from django.db.models import Model

from importsvc.engine.schema import registry


def get_resource_type(record_type: str) -> str:
    """The type of the resource that a record of this importable is; its name, if it is not registered any more."""
    try:
        model = registry.get(record_type).model
    except KeyError:
        return record_type
    return name_resources(model)


def name_resources(model: type[Model]) -> str:
    """The type of the resources that a model's records are."""
    return str(model._meta.verbose_name_plural)


def get_record_types() -> list[str]:
    """The names of all importables."""
    return [importable.name for importable in registry.in_dependency_order()]
