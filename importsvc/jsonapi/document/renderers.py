"""The renderer of documents."""

from rest_framework.renderers import JSONRenderer

from importsvc.jsonapi.errors import MEDIA_TYPE


class JsonApiRenderer(JSONRenderer):
    """Renders documents of resources and of errors."""

    media_type = MEDIA_TYPE
    format = "vnd.api+json"
    charset = "utf-8"
