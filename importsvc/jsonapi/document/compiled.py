"""From rows to resource objects: which columns a document needs, and where in its rows they are, found out once.

djangorestframework-jsonapi would run a serializer for every resource of every document. Here the serializers are read
once (``importsvc.jsonapi.document.resources``), one query reads the columns that are shown, includes joined, and tuples
become the same documents. ``tests/jsonapi/test_compiled.py`` holds the two ways together.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from importsvc.jsonapi.document.fields import write_time_stamp
from importsvc.jsonapi.document.resources import Resource, read_resource

Row = Sequence[Any]
ResourceObject = dict[str, Any]

# Clients choose fields and includes freely: of all possible shapes, those used last are kept.
_SHAPES_KEPT = 1_000


@dataclass(frozen=True)
class ResourceShape:
    """How a row becomes a resource object.

    Attributes:
        type: of the resource.
        id_at: where its id is; ``None`` there means that there is no resource.
        names: of the attributes, whose values stand together in ``values``.
        time_stamps: those of the names that are time stamps.
        linkage: name, place of the id (``None`` if it is always empty), type and kind of id of each relationship.
    """

    type: str
    id_at: int
    names: tuple[str, ...]
    values: slice
    time_stamps: tuple[str, ...]
    linkage: tuple[tuple[str, int | None, str, Callable[[Any], Any]], ...]

    def build(self, row: Row, zone: tzinfo) -> ResourceObject:
        """The resource object."""
        resource: ResourceObject = {"id": str(row[self.id_at]), "type": self.type}
        if self.names:
            resource["attributes"] = attributes = dict(zip(self.names, row[self.values], strict=True))
            for name in self.time_stamps:
                if (at := attributes[name]) is not None:
                    attributes[name] = write_time_stamp(at, zone)
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
    """How rows become a document's ``data`` and ``included``.

    Attributes:
        columns: what to select, for ``values_list()`` of a queryset of the primary resource's records.
        primary: shape of the primary data.
        included: shapes of what is included, in order; ``None`` if documents have no ``included``.
    """

    columns: tuple[str, ...]
    primary: ResourceShape
    included: tuple[ResourceShape, ...] | None

    def build(self, rows: Sequence[Row], zone: tzinfo) -> dict[str, Any]:
        """A document with ``data``, one resource object for each row, and ``included``."""
        build = self.primary.build
        document: dict[str, Any] = {"data": [build(row, zone) for row in rows]}
        if self.included is not None:
            document["included"] = self._build_included(self.included, rows, zone)
        return document

    def _build_included(
        self, shapes: Sequence[ResourceShape], rows: Sequence[Row], zone: tzinfo
    ) -> list[ResourceObject]:
        """What the rows refer to, each resource once and none that is primary data, in the order of reference."""
        seen = {self.primary.type: {row[self.primary.id_at] for row in rows}}
        resources: list[ResourceObject] = []
        for shape in shapes:
            of_type = seen.setdefault(shape.type, set())
            of_type.add(None)
            for row in rows:
                if (key := row[shape.id_at]) not in of_type:
                    of_type.add(key)
                    resources.append(shape.build(row, zone))
        return resources


@functools.lru_cache(_SHAPES_KEPT)
def compile_document(
    serializer_class: Any,
    include: frozenset[str] | None,
    fields: frozenset[tuple[str, frozenset[str]]],
) -> DocumentShape:
    """The shape of documents of a resource.

    Args:
        serializer_class: declares the resource.
        include: paths to include, all of them the resource's; ``None`` for a document without ``included``.
        fields: types with the names of the fields to show; types that are not here show all.
    """
    compiler = _Compiler(include or frozenset(), dict(fields))
    resource = read_resource(serializer_class)
    id_at = compiler.add_column(resource.id_column)
    primary = compiler.add_resource(resource, id_at=id_at, prefix="")
    included = compiler.add_included(resource)
    return DocumentShape(tuple(compiler.columns), primary, None if include is None else tuple(included))


class _Compiler:
    """Collects the columns of a document and remembers where they are."""

    def __init__(self, include: frozenset[str], fields: dict[str, frozenset[str]]) -> None:
        self.include = include
        self.fields = fields
        self.columns: dict[str, int] = {}

    def add_column(self, lookup: str) -> int:
        return self.columns.setdefault(lookup, len(self.columns))

    def add_resource(self, resource: Resource, *, id_at: int, prefix: str) -> ResourceShape:
        shown = self.fields.get(resource.type, resource.default_field_names)
        attributes = [attribute for attribute in resource.attributes if attribute.name in shown]
        start = len(self.columns)
        for attribute in attributes:
            self.add_column(prefix + attribute.column)
        relationships = [each for each in resource.relationships.values() if each.name in shown]
        return ResourceShape(
            type=resource.type,
            id_at=id_at,
            names=tuple(attribute.name for attribute in attributes),
            values=slice(start, len(self.columns)),
            time_stamps=tuple(attribute.name for attribute in attributes if attribute.is_time_stamp),
            linkage=tuple(
                (
                    each.name,
                    self.add_column(f"{prefix}{each.column}_id") if each.column else None,
                    each.type,
                    each.id_type,
                )
                for each in relationships
            ),
        )

    def add_included(self, resource: Resource, *, path: str = "", prefix: str = "") -> list[ResourceShape]:
        """The shapes of what a resource includes, each before what it includes itself."""
        shapes: list[ResourceShape] = []
        for name, related in resource.included.items():
            own_path = f"{path}{name}"
            if any(wanted == own_path or wanted.startswith(f"{own_path}.") for wanted in self.include):
                column = f"{prefix}{resource.relationships[name].column}"
                shapes.append(self.add_resource(related, id_at=self.add_column(f"{column}_id"), prefix=f"{column}__"))
                shapes += self.add_included(related, path=f"{own_path}.", prefix=f"{column}__")
        return shapes
