"""Documents in the page's shape: which members they have, in which order, and what is included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rest_framework_json_api.renderers import JSONRenderer as JsonApiRendererBase

from importsvc.jsonapi.query import read_include


class JsonApiRenderer(JsonApiRendererBase):
    """djangorestframework-jsonapi's resource objects in documents of our own.

    The base class orders members and ``included`` in another way, includes nothing whose linkage a sparse fieldset
    hides, and makes a serializer for every single resource it includes, which takes a second for a page of 200.
    """

    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """The document as text; ``data`` is what a serializer or the paginator made, or a list of error objects."""
        context = renderer_context or {}
        document = {"errors": data} if context["response"].exception else _document(data, context["view"])
        return super(JsonApiRendererBase, self).render(document, accepted_media_type, context)

    @classmethod
    def build_json_resource_obj(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """A resource object with ``id`` before ``type``."""
        built = super().build_json_resource_obj(*args, **kwargs)
        return {"id": built.pop("id"), **built}


def _document(data: Any, view: Any) -> dict[str, Any]:
    page: Mapping[str, Any] = data if "results" in data else {}
    representations = page.get("results", data)
    serializer = representations.serializer
    if page:
        serializer, instances = serializer.child, serializer.instance
        shown = _resource_objects(serializer, instances, representations)
        document: dict[str, Any] = {"data": shown}
    else:
        instances = [serializer.instance]
        shown = _resource_objects(serializer, instances, [representations])
        document = {"data": shown[0]}
    paths = read_include(view.request, serializer)
    if paths is not None:
        document["included"] = _included(serializer, instances, paths, {_key(resource) for resource in shown})
    if page:
        document["links"] = page["links"]
    document["meta"] = {**page.get("meta", {}), **view.get_document_meta()}
    return document


def _included(
    serializer: Any, instances: Iterable[Any], paths: Sequence[str], seen: set[tuple[str, str]]
) -> list[dict[str, Any]]:
    """What these records refer to along the paths, each once, before what it refers to itself."""
    included: list[dict[str, Any]] = []
    for name, related_class in serializer.included_serializers.items():
        deeper = [path.removeprefix(f"{name}.") for path in paths if path.startswith(f"{name}.")]
        if name in paths or deeper:
            found = {related.pk: related for instance in instances if (related := getattr(instance, name)) is not None}
            related = related_class(list(found.values()), many=True, context=serializer.context)
            for resource in _resource_objects(related.child, related.instance, related.data):
                if _key(resource) not in seen:
                    seen.add(_key(resource))
                    included.append(resource)
            included += _included(related.child, related.instance, deeper, seen)
    return included


def _resource_objects(
    serializer: Any, instances: Iterable[Any], representations: Iterable[Any]
) -> list[dict[str, Any]]:
    return [
        JsonApiRenderer.build_json_resource_obj(
            serializer.fields, representation, instance, serializer.Meta.resource_name, serializer
        )
        for instance, representation in zip(instances, representations, strict=True)
    ]


def _key(resource: Mapping[str, Any]) -> tuple[str, str]:
    return resource["type"], resource["id"]
