"""The declaration language: what a row of a type looks like and which record it becomes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from django.db.models import Field, Model


@dataclass(frozen=True)
class Column:
    """A column of a row, and the model's field of the same name that it fills.

    Attributes:
        name: snake_case, as messages name it.
        clean: takes the cell, returns the value to store or ``None`` for blank; see ``importsvc.engine.parse.cells``.
        required: whether a blank cell is an error.
        unique: whether no other record of the organization may have the value, whatever its case. The model has a
            unique constraint that says so: ``UniqueConstraint(Lower(name), "organization", …)``.
        constrained: ``False`` for a unique column without that constraint, of which other writers than imports may
            make duplicates. The model has an index in its place: ``Index(Lower(name), "organization", …)``.
        default: takes the organization, returns what a record gets whose cell is blank; asked once an import.
            Without it, such a record gets the model's own default.
    """

    name: str
    clean: Callable[[object], Any]
    required: bool = False
    unique: bool = False
    constrained: bool = True
    default: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class Reference:
    """A column that names another record: one of this payload, or one the organization has.

    Attributes:
        name: of the column, and of the model's foreign key.
        to: the name of the importable referred to.
        by: that importable's column whose value the cell holds, one that is unique; compared whatever its case.
    """

    name: str
    to: str
    by: str


@dataclass(frozen=True, kw_only=True)
class Importable:
    """A type of record that can be imported.

    Attributes:
        name: of the type in ``import_data``: singular, snake_case.
        model: what a row becomes. It belongs to an organization: it has a foreign key of that name.
        columns: what a row may say about the record itself.
        references: what a row may say about its relations. A row's values come in the order columns, references.
        match_key: the unique column by which a row means a record that is there already, whatever its case; without
            one every row becomes a new record.
        ignored_fields: fields of the model that the service writes by itself, such as when a person was last seen; a
            revert does not take such a write for a change of the record.
    """

    name: str
    model: type[Model]
    columns: tuple[Column, ...]
    references: tuple[Reference, ...] = ()
    match_key: str | None = None
    ignored_fields: tuple[str, ...] = ()
    headers: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns] + [reference.name for reference in self.references]
        headers = {normalize_header(name): position for position, name in enumerate(names)}
        if len(headers) != len(names):
            raise ValueError(f"Two columns of {self.name} would be told apart only by case, spaces, '_' or '-'")
        if self.match_key and self.match_key not in {column.name for column in self.columns if column.unique}:
            raise ValueError(f"{self.name} cannot be matched by {self.match_key}, which is no unique column")
        object.__setattr__(self, "headers", headers)

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of columns, then references: the order of a row's values."""
        return tuple(column.name for column in self.columns) + tuple(reference.name for reference in self.references)

    @property
    def fields(self) -> tuple[Field[Any, Any], ...]:
        """The field of the model that each value fills, in the order of a row's values."""
        return tuple(cast("Field[Any, Any]", self.model._meta.get_field(name)) for name in self.column_names)

    @property
    def organization_field(self) -> Field[Any, Any]:
        """The field of the model that says whose a record is."""
        return cast("Field[Any, Any]", self.model._meta.get_field("organization"))

    @property
    def other_fields(self) -> tuple[Field[Any, Any], ...]:
        """The fields of the model that no row fills, without its id, its organization and what PostgreSQL generates."""
        known = {"organization", *self.column_names}
        fields = self.model._meta.concrete_fields
        return tuple(f for f in fields if f.name not in known and not f.primary_key and not f.generated)

    @property
    def ignored_columns(self) -> set[str]:
        """The columns of the model's table that belong to ``ignored_fields``."""
        return {str(cast("Field[Any, Any]", self.model._meta.get_field(name)).column) for name in self.ignored_fields}

    @property
    def required_positions(self) -> tuple[int, ...]:
        """Where a row's values hold the columns that may not be blank."""
        return tuple(position for position, column in enumerate(self.columns) if column.required)

    def position(self, name: str) -> int:
        """Where a row's values hold this column."""
        return self.column_names.index(name)


def has_computed_default(field: Field[Any, Any]) -> bool:
    """Whether the field's default is another one whenever it is asked for, as a clock's is."""
    return field.has_default() and callable(field.default) and field.default not in (list, dict)


def has_unique_constraint(importable: Importable, column: str) -> bool:
    """Whether the database itself refuses a value, whatever its case, that another record of the organization has."""
    from django.db.models import F, UniqueConstraint
    from django.db.models.functions import Lower

    held: set[Any] = {Lower(column), F("organization")}
    return any(
        isinstance(constraint, UniqueConstraint)
        and constraint.condition is None
        and set(constraint.expressions) == held
        for constraint in importable.model._meta.constraints
    )


def get_plural_name(model: type[Model]) -> str:
    """What many records of a model are called: ``people``. The API calls the type of their resources so."""
    return str(model._meta.verbose_name_plural)


def normalize_header(header: str) -> str:
    """What two headers of one column have in common: ``First Name``, ``first_name``, ``FIRST-NAME``."""
    return "".join(header.split()).casefold().replace("_", "").replace("-", "")
