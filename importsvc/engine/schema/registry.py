"""The registry of the types that can be imported. Each app registers its types in its ``importable.py``."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

from importsvc.engine.schema.importable import Importable

_importables: dict[str, Importable] = {}


def register(importable: Importable) -> Importable:
    """Make a type importable.

    Raises:
        ValueError: the name is taken.
    """
    if importable.name in _importables:
        raise ValueError(f"An importable named {importable.name!r} is registered already")
    _importables[importable.name] = importable
    return importable


def unregister(name: str) -> None:
    """Undo ``register``. Imported records stay; imports of them can be reverted once the type is registered again."""
    del _importables[name]


def get(name: str) -> Importable:
    """The importable of this name.

    Raises:
        KeyError: there is none.
    """
    return _importables[name]


def get_names() -> list[str]:
    """The names of all importables, each after the ones that it refers to."""
    return [importable.name for importable in in_dependency_order()]


def in_dependency_order() -> list[Importable]:
    """All importables, each after the ones that it refers to, otherwise in the order of registration.

    Raises:
        ValueError: a reference is to its own type, or to a type or unique column that does not exist, or references
            form a circle.
    """
    graph: dict[str, list[str]] = {}
    for importable in _importables.values():
        for reference in importable.references:
            if reference.to == importable.name:
                raise ValueError(f"{importable.name}.{reference.name} refers to its own type")
            target = _importables.get(reference.to)
            if target is None or reference.by not in target.unique_columns:
                named = f"{reference.to}.{reference.by}"
                raise ValueError(f"{importable.name}.{reference.name} refers to {named}, which is no unique column")
        graph[importable.name] = [reference.to for reference in importable.references]
    try:
        return [_importables[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        raise ValueError(f"Importables refer to each other in a circle: {' -> '.join(error.args[1])}") from None
