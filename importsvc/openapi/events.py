"""The webhooks that the service sends, by event."""

from __future__ import annotations

from typing import Any

from importsvc.webhooks.events import Event


def describe_webhooks() -> dict[str, Any]:
    """The ``webhooks`` of the description (OpenAPI 3.1, section 4.8.1): a request for each event."""
    return {event: {"post": _describe(event)} for event in Event.values}


def _describe(event: str) -> dict[str, Any]:
    text = {"type": "string"}
    body = {
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"type": "string", "const": event},
            "timestamp": {"type": "string", "format": "date-time"},
            "data": {"type": "object", "description": "Ids, counts and a link; no personal data."},
        },
    }
    return {
        "operationId": f"webhook_{event.replace('.', '_')}",
        "summary": f"The event {event}",
        "security": [],
        "parameters": [
            {"name": name, "in": "header", "required": True, "schema": text}
            for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "2XX": {"description": "The event is delivered"},
            "410": {"description": "The endpoint is disabled"},
        },
    }
