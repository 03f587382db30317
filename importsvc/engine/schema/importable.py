"""The declaration of a type that can be imported: its columns and references, and the model of its records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from django.db.models import Field, Index, Model, UniqueConstraint


@dataclass(frozen=True)
class Column:
    """A column of a row, which fills the model's field of the same name.

    Attributes:
        name: in snake_case, as in messages.
        clean: takes a cell and returns the value to store, or ``None`` for a blank cell; see
            ``importsvc.engine.parse.cells``.
        required: whether a blank cell is an error.
        unique: whether a value is unique in the organization, case-insensitively. The model has the constraint
            ``UniqueConstraint(Lower(name), "organization", …)``.
        case_sensitive: whether a unique column compares values as they are, as with identifiers of other systems that
            differ by case only. The model has ``UniqueConstraint(fields=["organization", name], …)``, perhaps with
            the condition that the value is not null.
        constrained: ``False`` for a unique column without its constraint, so that writers other than imports may
            make duplicates. The model has an ``Index`` of the same columns instead.
        default: takes the organization and returns the value for blank cells; called once for each import. Without
            it, such a record gets the model's own default.
    """

    name: str
    clean: Callable[[object], Any]
    required: bool = False
    unique: bool = False
    case_sensitive: bool = False
    constrained: bool = True
    default: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class Reference:
    """A column that refers to another record: of the same import, or one that the organization already has.

    Attributes:
        name: of the column, and of the model's foreign key.
        to: the name of the importable referred to.
        by: the unique column of that importable whose value the cell contains; compared as that column compares.
    """

    name: str
    to: str
    by: str


@dataclass(frozen=True, kw_only=True)
class Importable:
    """A type of record that can be imported.

    Attributes:
        name: of the type in ``import_data``: singular, in snake_case.
        model: of the records. It has a foreign key ``organization``.
        columns: the columns of a row that are values of the record.
        references: the columns of a row that refer to other records. In a row's values they come after the columns.
        match_key: the unique column by which a row matches an existing record, unless an import names another one;
            without one, each row becomes a new record.
        ignored_fields: fields of the model that the service itself writes, such as the time a person was last seen.
            A revert does not treat a write to them as a change of the record.
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
            raise ValueError(f"Two columns of {self.name} differ only in case, spaces, '_' or '-'")
        if self.match_key and self.match_key not in self.unique_columns:
            raise ValueError(f"{self.name} cannot be matched by {self.match_key}, which is no unique column")
        object.__setattr__(self, "headers", headers)

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of columns, then references: the order of a row's values."""
        return tuple(column.name for column in self.columns) + tuple(reference.name for reference in self.references)

    @property
    def unique_columns(self) -> Mapping[str, Column]:
        """The unique columns by name."""
        return {column.name: column for column in self.columns if column.unique}

    @property
    def fields(self) -> tuple[Field[Any, Any], ...]:
        """The field of the model that each value fills, in the order of a row's values."""
        return tuple(cast("Field[Any, Any]", self.model._meta.get_field(name)) for name in self.column_names)

    @property
    def organization_field(self) -> Field[Any, Any]:
        """The field of the model that has the record's organization."""
        return cast("Field[Any, Any]", self.model._meta.get_field("organization"))

    @property
    def other_fields(self) -> tuple[Field[Any, Any], ...]:
        """The model's fields without a column, except its id, its organization and generated fields."""
        known = {"organization", *self.column_names}
        fields = self.model._meta.concrete_fields
        return tuple(f for f in fields if f.name not in known and not f.primary_key and not f.generated)

    @property
    def ignored_columns(self) -> set[str]:
        """The columns of the model's table for ``ignored_fields``."""
        return {str(cast("Field[Any, Any]", self.model._meta.get_field(name)).column) for name in self.ignored_fields}

    @property
    def required_positions(self) -> tuple[int, ...]:
        """The positions of the required columns among a row's values."""
        return tuple(position for position, column in enumerate(self.columns) if column.required)

    def find_match_key(self, match_by: str | None) -> str | None:
        """The column by which rows match records: ``match_by`` if it is a unique column, otherwise ``match_key``."""
        return match_by if match_by in self.unique_columns else self.match_key

    def position(self, name: str) -> int:
        """The position of the column or reference among a row's values."""
        return self.column_names.index(name)


def has_computed_default(field: Field[Any, Any]) -> bool:
    """Whether each call may compute another default for the field, as with a clock."""
    return field.has_default() and callable(field.default) and field.default not in (list, dict)


def has_unique_constraint(importable: Importable, column: Column) -> bool:
    """Whether a constraint makes the column's values unique in an organization, compared as the column says."""
    from django.db.models import UniqueConstraint

    return any(
        isinstance(constraint, UniqueConstraint) and is_over(constraint, column)
        for constraint in importable.model._meta.constraints
    )


def is_over(index: Index | UniqueConstraint, column: Column) -> bool:
    """Whether an index or a constraint is over the organization and the column's values as the column compares them."""
    from django.db.models import F, Q
    from django.db.models.functions import Lower

    if not column.case_sensitive:
        expressions: set[Any] = {Lower(column.name), F("organization")}
        return index.condition is None and set(index.expressions) == expressions
    return set(index.fields) == {column.name, "organization"} and index.condition in (
        None,
        Q(**{f"{column.name}__isnull": False}),
    )


def get_plural_name(model: type[Model]) -> str:
    """The plural name of the model, such as ``people``; it is the type of the records' resources in the API."""
    return str(model._meta.verbose_name_plural)


def normalize_header(header: str) -> str:
    """The header without case, spaces, ``_`` and ``-``: ``First Name``, ``first_name`` and ``FIRST-NAME`` are equal."""
    return "".join(header.split()).casefold().replace("_", "").replace("-", "")
