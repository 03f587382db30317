"""Reads resources from their serializers: the columns that a resource shows, and how each is written.

Serializers are read as declarations and not run. A declaration that cannot be read is an error when the service starts
(``importsvc.jsonapi.checks``).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.expressions import Combinable
from rest_framework import serializers
from rest_framework.relations import RelatedField

from importsvc.jsonapi.document.fields import (
    ComputedField,
    EmptyToOneField,
    JsonApiSerializer,
    TimestampField,
    ToOneField,
)

# For a field's ``to_representation``, the model fields whose values it writes as the database driver returns them. By
# method, not by class: a subclass that overrides validation is supported, one that overrides writing is not.
_WRITTEN_AS_THEY_ARE: Mapping[Callable[..., Any], tuple[type[models.Field], ...]] = {
    serializers.CharField.to_representation: (models.CharField, models.TextField),
    serializers.IntegerField.to_representation: (models.IntegerField,),
    serializers.BooleanField.to_representation: (models.BooleanField,),
    serializers.JSONField.to_representation: (models.JSONField,),
    serializers.ChoiceField.to_representation: (models.CharField,),
}


class UnknownDeclarationError(TypeError):
    """A serializer declares a field that is not a column, or is written in an unsupported way."""


class Attribute(NamedTuple):
    """An attribute. Time stamps are written in the organization's zone, other values unchanged.

    Of a ``ComputedField``, ``column`` is its name, and the value is that of ``compute``, converted by ``write``.
    """

    name: str
    column: str  # the model field's attribute, such as ``creator_id`` for a foreign key
    is_time_stamp: bool
    compute: Callable[[str], Combinable] | None = None
    write: Callable[[Any], Any] | None = None


class Relationship(NamedTuple):
    """A to-one relationship to a resource of this type. ``id_type`` converts the id."""

    name: str
    column: str | None  # the name of the foreign key; ``None`` if the relationship is always empty
    type: str
    id_type: Callable[[Any], Any]


@dataclass(frozen=True)
class Resource:
    """A type of resources; members are in the order of the declaration."""

    type: str
    id_column: str
    attributes: tuple[Attribute, ...]
    relationships: Mapping[str, Relationship]
    included: Mapping[str, Resource]  # what ``include`` may name, by relationship
    default_paths: tuple[str, ...]  # included by default
    on_request: frozenset[str] = frozenset()  # attributes that are only shown if ``fields[type]`` names them

    @property
    def field_names(self) -> frozenset[str]:
        """The names that ``fields[type]`` may have."""
        return frozenset([*(attribute.name for attribute in self.attributes), *self.relationships])

    @property
    def default_field_names(self) -> frozenset[str]:
        """The names of the fields that are shown without ``fields[type]``."""
        return self.field_names - self.on_request

    def include_paths(self, prefix: str = "") -> Iterator[str]:
        """The paths that ``include`` may have."""
        for name, related in self.included.items():
            yield prefix + name
            yield from related.include_paths(f"{prefix}{name}.")

    def walk(self) -> Iterator[Resource]:
        """This resource, and those that it can include, once for each path."""
        yield self
        for related in self.included.values():
            yield from related.walk()

    def find(self, resource_type: str) -> Resource | None:
        """This resource, or one that it can include, by type."""
        return next((resource for resource in self.walk() if resource.type == resource_type), None)


@functools.cache
def read_resource(serializer_class: Any) -> Resource:
    """The resource that a serializer declares.

    Raises:
        UnknownDeclarationError: a part of the declaration cannot be read.
    """
    if serializer_class.to_representation is not JsonApiSerializer.to_representation:
        raise UnknownDeclarationError(f"{serializer_class.__name__} writes resources in a way of its own")
    model = serializer_class.Meta.model
    shown = {name: field for name, field in serializer_class().fields.items() if not field.write_only and name != "id"}
    relationships = {
        name: _read_relationship(field, model) for name, field in shown.items() if isinstance(field, ToOneField)
    }
    resource = Resource(
        type=serializer_class.Meta.resource_name,
        id_column=model._meta.pk.name,
        attributes=tuple(_read_attribute(field, model) for name, field in shown.items() if name not in relationships),
        relationships=relationships,
        included={name: read_resource(related) for name, related in serializer_class.included_serializers.items()},
        default_paths=tuple(getattr(getattr(serializer_class, "JSONAPIMeta", None), "included_resources", ())),
        on_request=frozenset(getattr(serializer_class.Meta, "fields_on_request", ())),
    )
    _check(resource, serializer_class.__name__)
    return resource


@functools.cache
def read_field_names(*serializer_classes: Any) -> frozenset[str]:
    """The names of the fields of any of these serializers."""
    return frozenset(name for serializer_class in serializer_classes for name in serializer_class().fields)


def _read_attribute(field: Any, model: type[models.Model]) -> Attribute:
    if isinstance(field, ComputedField):
        name = str(field.field_name)
        return Attribute(name, name, field.is_time_stamp, field.compute, field.write)
    column = _find_column(field, model)
    is_time_stamp = (
        isinstance(field, TimestampField)
        and type(field).to_representation is TimestampField.to_representation
        and isinstance(column, models.DateTimeField)
    )
    if type(field).get_attribute is not serializers.Field.get_attribute or not (
        is_time_stamp or _is_written_as_it_is(field, column)
    ):
        raise UnknownDeclarationError(f"It is not known how {_describe(field)} writes {type(column).__name__}")
    return Attribute(str(field.field_name), column.attname, is_time_stamp)


def _is_written_as_it_is(field: Any, column: models.Field) -> bool:
    if isinstance(column, models.ForeignKey):
        return _is_written_as_it_is(field, column.target_field)
    write = type(field).to_representation
    if write is serializers.ListField.to_representation:
        return isinstance(column, ArrayField) and _is_written_as_it_is(field.child, column.base_field)
    return isinstance(column, _WRITTEN_AS_THEY_ARE.get(write, ())) and not getattr(field, "binary", False)


def _read_relationship(field: ToOneField, model: type[models.Model]) -> Relationship:
    if type(field).to_representation is not ToOneField.to_representation:
        raise UnknownDeclarationError(f"{_describe(field)} writes linkage in a way of its own")
    name = str(field.field_name)
    if isinstance(field, EmptyToOneField):
        return Relationship(name, None, field.resource_type, field.id_type)
    reads_column = type(field).get_attribute is RelatedField.get_attribute
    if not reads_column or not isinstance(_find_column(field, model), models.ForeignKey):
        raise UnknownDeclarationError(f"{_describe(field)} is no foreign key of {model.__name__}")
    return Relationship(name, field.source, field.resource_type, field.id_type)


def _find_column(field: Any, model: type[models.Model]) -> models.Field:
    for column in model._meta.concrete_fields:
        if field.source in (column.name, column.attname):
            return column
    raise UnknownDeclarationError(f"{_describe(field)} is no column of {model.__name__}")


def _check(resource: Resource, serializer: str) -> None:
    columns = {attribute.column for attribute in resource.attributes}
    if len(columns) < len(resource.attributes):
        raise UnknownDeclarationError(f"{serializer} shows a column twice")
    if unknown := resource.on_request - resource.field_names:
        raise UnknownDeclarationError(f"{serializer} cannot show {sorted(unknown)} on request")
    for name, related in resource.included.items():
        relationship = resource.relationships.get(name)
        if relationship is None or relationship.column is None or relationship.type != related.type:
            raise UnknownDeclarationError(f"{serializer} has no relationship '{name}' to {related.type}")
    if not set(resource.default_paths) <= set(resource.include_paths()):
        raise UnknownDeclarationError(f"{serializer} cannot include {resource.default_paths}")


def _describe(field: Any) -> str:
    return f"{type(field.parent).__name__}.{field.field_name} ({type(field).__name__})"
