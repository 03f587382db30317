"""What records of importable types are called as resources."""

from __future__ import annotations

from importsvc.engine import registry


def get_resource_type(record_type: str) -> str:
    """The type of the resource that a record of this importable is; its name, if it is not registered any more."""
    try:
        return str(registry.get(record_type).model._meta.verbose_name_plural)
    except KeyError:
        return record_type


def get_record_types() -> list[str]:
    """The names of all importables."""
    return [importable.name for importable in registry.in_dependency_order()]
