"""``GET /api/v2/openapi.json``: the description of the API. It needs no token."""

from __future__ import annotations

import functools
import json

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.generators import SchemaGenerator
from rest_framework.permissions import SAFE_METHODS

from importsvc.jsonapi.errors import method_not_allowed


@functools.cache
def write_description() -> str:
    """The description as JSON; made once in a process."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    return json.dumps(schema, separators=(",", ":"), ensure_ascii=False)


@csrf_exempt
def describe(request: HttpRequest) -> HttpResponse:
    """The description, which browsers of any origin may read."""
    if request.method not in SAFE_METHODS:
        return method_not_allowed(request)
    headers = {"Access-Control-Allow-Origin": "*"}
    return HttpResponse(write_description(), content_type="application/json", headers=headers)
