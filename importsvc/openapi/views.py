"""``GET /api/v2/openapi.json`` and ``.yaml``: the description of the API. It needs no token."""

from __future__ import annotations

import functools
import json
import threading
from enum import StrEnum

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.permissions import SAFE_METHODS

from importsvc.jsonapi.errors import method_not_allowed


class Language(StrEnum):
    """The languages that the description is written in, as media types (RFC 9512)."""

    JSON = "application/json"
    YAML = "application/yaml"


# drf-spectacular loads the classes of its extensions when it first needs them, which two threads must not do at once.
_generating = threading.Lock()


def write_description(language: Language = Language.JSON) -> str:
    """The description; made once in a process."""
    with _generating:
        return generate_description(language)


@functools.cache
def generate_description(language: Language) -> str:
    """The same, for one thread at a time."""
    # With them Django's and DRF's test clients are loaded, which a service that is not asked never needs.
    from drf_spectacular.generators import SchemaGenerator
    from drf_spectacular.renderers import OpenApiYamlRenderer2

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
