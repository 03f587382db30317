"""Builds documents from the tuples of one query, instead of running a serializer for each resource object.

The columns of the query are determined once for each shape. ``tests/jsonapi/document/test_compiled.py`` compares the
documents with those that djangorestframework-jsonapi makes with the serializers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial
from typing import Any

from django.db.models.expressions import Combinable

from importsvc.jsonapi.document.fields import write_time_stamp
from importsvc.jsonapi.document.resources import Attribute, Resource, read_resource

Row = Sequence[Any]
ResourceObject = dict[str, Any]


@dataclass(frozen=True)
class ResourceShape:
    """The positions of a resource object's members in a row."""

    type: str
    id_at: int  # without a value there, there is no resource
    names: tuple[str, ...]  # of the attributes
    values: slice  # of the attributes
    time_stamps: tuple[str, ...]  # the names of the attributes that are time stamps
    # Of each attribute whose value is converted: its name, and the function that does.
    writers: tuple[tuple[str, Callable[[Any], Any]], ...]
    # Of each relationship: its name, the position of the id (``None``: always empty), the type, and the type of the id.
    linkage: tuple[tuple[str, int | None, str, Callable[[Any], Any]], ...]

    def build(self, row: Row, zone: tzinfo) -> ResourceObject:
        """The resource object of a row, with time stamps in ``zone``."""
        resource: ResourceObject = {"id": str(row[self.id_at]), "type": self.type}
        if self.names:
            resource["attributes"] = attributes = dict(zip(self.names, row[self.values], strict=True))
            for name in self.time_stamps:
                if (at := attributes[name]) is not None:
                    attributes[name] = write_time_stamp(at, zone)
            for name, write in self.writers:
                if (value := attributes[name]) is not None:
                    attributes[name] = write(value)
        if self.linkage:
            resource["relationships"] = {
                name: {
                    "data": None
                    if at is None or (related_id := row[at]) is None
                    else {"type": related_type, "id": id_type(related_id)}
                }
                for name, at, related_type, id_type in self.linkage
            }
        return resource


@dataclass(frozen=True)
class DocumentShape:
    """The shape of a document's ``data`` and ``included``."""

    # The arguments of ``values_list()`` for a queryset of the primary resource's records: lookups, and expressions.
    columns: tuple[Any, ...]
    primary: ResourceShape
    included: tuple[ResourceShape, ...] | None  # in order; ``None`` if documents have no ``included``

    def build(self, rows: Sequence[Row], zone: tzinfo) -> dict[str, Any]:
        """A document with ``data``, one resource object for each row, and ``included``."""
        build = self.primary.build
        document: dict[str, Any] = {"data": [build(row, zone) for row in rows]}
        if self.included is not None:
            document["included"] = list(self._build_included(self.included, rows, zone))
        return document

    def _build_included(
        self, shapes: Sequence[ResourceShape], rows: Sequence[Row], zone: tzinfo
    ) -> Iterator[ResourceObject]:
        """The resources that rows refer to, in this order, each once and without those in the primary data."""
        seen = {self.primary.type: {row[self.primary.id_at] for row in rows}}
        for shape in shapes:
            of_type = seen.setdefault(shape.type, set())
            of_type.add(None)
            for row in rows:
                if (key := row[shape.id_at]) not in of_type:
                    of_type.add(key)
                    yield shape.build(row, zone)


@functools.lru_cache(1_000)  # a limit, because clients choose fields and includes freely
def compile_document(
    serializer_class: Any, include: frozenset[str] | None, fields: frozenset[tuple[str, frozenset[str]]]
) -> DocumentShape:
    """The shape of documents of a resource.

    Args:
        serializer_class: declares the resource.
        include: the paths to include, which must be valid; ``None`` for a document without ``included``.
        fields: types with the names of the fields to show; other types show their default fields.
    """
    compiler = _Compiler(include or frozenset(), dict(fields))
    resource = read_resource(serializer_class)
    id_at = compiler.add_column(resource.id_column)
    primary = compiler.add_resource(resource, id_at=id_at, prefix="")
    included = None if include is None else tuple(compiler.add_included(resource))
    return DocumentShape(tuple(compiler.columns.values()), primary, included)


class _Compiler:
    """Collects the columns of a document, with their positions."""

    def __init__(self, include: frozenset[str], fields: dict[str, frozenset[str]]) -> None:
        self.include = include
        self.fields = fields
        self.columns: dict[str, Any] = {}
        self._positions: dict[str, int] = {}

    def add_column(self, lookup: str, compute: Callable[[], Combinable] | None = None) -> int:
        """The position of a column, which is added unless it is there; ``compute`` makes the expression of it."""
        if lookup not in self.columns:
            self._positions[lookup] = len(self.columns)
            self.columns[lookup] = compute() if compute else lookup
        return self._positions[lookup]

    def add_resource(self, resource: Resource, *, id_at: int, prefix: str) -> ResourceShape:
        shown = self.fields.get(resource.type, resource.default_field_names)
        attributes = [attribute for attribute in resource.attributes if attribute.name in shown]
        start = len(self.columns)
        for attribute in attributes:
            self.add_attribute(attribute, prefix)
        return ResourceShape(
            type=resource.type,
            id_at=id_at,
            names=tuple(attribute.name for attribute in attributes),
            values=slice(start, len(self.columns)),
            time_stamps=tuple(attribute.name for attribute in attributes if attribute.is_time_stamp),
            writers=tuple((attribute.name, attribute.write) for attribute in attributes if attribute.write),
            linkage=tuple(
                (name, self.add_column(f"{prefix}{each.column}_id") if each.column else None, each.type, each.id_type)
                for name, each in resource.relationships.items()
                if name in shown
            ),
        )

    def add_attribute(self, attribute: Attribute, prefix: str) -> None:
        compute = attribute.compute
        self.add_column(prefix + attribute.column, partial(compute, prefix) if compute else None)

    def add_included(self, resource: Resource, *, path: str = "", prefix: str = "") -> Iterator[ResourceShape]:
        """The shapes of a resource's included resources, each before those that it includes itself."""
        for name, related in resource.included.items():
            own_path = f"{path}{name}"
            if any(wanted == own_path or wanted.startswith(f"{own_path}.") for wanted in self.include):
                column = f"{prefix}{resource.relationships[name].column}"
                yield self.add_resource(related, id_at=self.add_column(f"{column}_id"), prefix=f"{column}__")
                yield from self.add_included(related, path=f"{own_path}.", prefix=f"{column}__")
