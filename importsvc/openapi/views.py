"""``GET /api/v2/openapi.json`` and ``.yaml``: the description of the API. It needs no token."""

from __future__ import annotations

import functools
import json
from enum import StrEnum

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer2
from rest_framework.permissions import SAFE_METHODS

from importsvc.jsonapi.errors import method_not_allowed


class Language(StrEnum):
    """The languages that the description is written in, as media types (RFC 9512)."""

    JSON = "application/json"
    YAML = "application/yaml"


@functools.cache
def write_description(language: Language = Language.JSON) -> str:
    """The description; made once in a process."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    if language is Language.YAML:
        return OpenApiYamlRenderer2().render(schema).decode()
    return json.dumps(schema, separators=(",", ":"), ensure_ascii=False)


@csrf_exempt
def describe(request: HttpRequest, language: Language) -> HttpResponse:
    """The description, which browsers of any origin may read."""
    if request.method not in SAFE_METHODS:
        return method_not_allowed(request)
    headers = {"Access-Control-Allow-Origin": "*"}
    return HttpResponse(write_description(language), content_type=language.value, headers=headers)
