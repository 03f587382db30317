"""What the views of all resources have in common."""

from __future__ import annotations

import re
from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet
from rest_framework_json_api.views import PreloadIncludesMixin

from importsvc.jsonapi.filters import LARGEST_BIGINT
from importsvc.jsonapi.query import check_query

_RECORD_ID = re.compile(r"[1-9][0-9]{0,18}")


class JsonApiViewSet(PreloadIncludesMixin, GenericViewSet):
    """A resource of the API.

    Subclasses declare ``serializer_class``, ``queryset``, and for lists ``filterset_class`` and ``sort_fields``;
    ``select_for_includes`` says what to join for which path of ``include``.
    """

    http_method_names = ["get", "head", "post", "patch"]
    sort_fields: tuple[str, ...] = ("id",)

    @property
    def resource_name(self) -> str:
        """The type of the resource, for documents that come and go."""
        return str(self.serializer_class.Meta.resource_name)  # type: ignore[union-attr]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who is asking first, then what for.

        Raises:
            RequestError: a query parameter that this endpoint does not support.
        """
        super().initial(request, *args, **kwargs)
        check_query(request, self)

    def get_record_id(self) -> int:
        """The id in the URL.

        Raises:
            NotFound: it cannot be an id.
        """
        written = self.kwargs["pk"]
        if not _RECORD_ID.fullmatch(written) or int(written) > LARGEST_BIGINT:
            raise NotFound
        return int(written)

    def get_object(self) -> Any:
        """The record in the URL, if it is one of ``get_queryset()``."""
        self.get_record_id()
        return super().get_object()

    def get_document_meta(self) -> dict[str, Any]:
        """What stands in the ``meta`` of every successful document, after page figures."""
        return {}
