"""The targets of a mapping: the columns and references of the registered types, and the members of their objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from importsvc.engine.parse import cells
from importsvc.engine.schema import registry
from importsvc.engine.schema.importable import Importable

Kind = Literal["text", "number", "date", "boolean", "tags", "object"]
MEMBER_KINDS: tuple[Kind, ...] = ("text", "number", "date", "boolean")

# The kinds of values that columns take, by the function that cleans them; other columns take text.
_KINDS: Mapping[Callable[[object], Any], Kind] = {
    cells.whole_number: "number",
    cells.money: "number",
    cells.tags: "tags",
    cells.json_object: "object",
}


@dataclass(frozen=True)
class Target:
    """Where the values of a file's column go.

    Attributes:
        type_name: the name of the importable.
        column: the name of its column or reference.
        member: the member of the column's object that is meant, as ``size`` in ``person.custom_fields.size``;
            ``None`` for the column itself.
        kind: of the values that the column takes. A member takes ``text`` unless the mapping says another kind.
        required: whether a record needs the column.
        is_key: whether the column tells records apart, or refers to one.
        is_address: whether it takes e-mail addresses.
    """

    type_name: str
    column: str
    member: str | None
    kind: Kind
    required: bool = False
    is_key: bool = False
    is_address: bool = False

    @property
    def name(self) -> str:
        """The target as a mapping writes it: ``person.first_name``."""
        return ".".join(filter(None, (self.type_name, self.column, self.member)))


def find_target(name: str) -> Target | None:
    """The target of this name; ``None`` if no registered type has it."""
    type_name, _, rest = name.partition(".")
    column_name, dot, member = rest.partition(".")
    if type_name not in registry.get_names():
        return None
    found = next((target for target in _of_type(registry.get(type_name)) if target.column == column_name), None)
    if found is None or not dot:
        return found
    if found.kind != "object" or not member.strip():
        return None
    return Target(type_name, column_name, member, "text")


def get_targets() -> list[Target]:
    """All targets but members, type by type, each type after the ones that it refers to."""
    return [target for importable in registry.in_dependency_order() for target in _of_type(importable)]


def _of_type(importable: Importable) -> list[Target]:
    columns = [
        Target(
            importable.name,
            column.name,
            None,
            _find_kind(column.clean),
            required=column.required,
            is_key=column.name in importable.unique_columns,
            is_address=column.clean is cells.email,
        )
        for column in importable.columns
    ]
    references = [Target(importable.name, each.name, None, "text", is_key=True) for each in importable.references]
    return columns + references


def _find_kind(clean: Callable[[object], Any]) -> Kind:
    function = clean.func if isinstance(clean, partial) else clean
    return _KINDS.get(function, "text")
