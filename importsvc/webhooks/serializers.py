"""Webhook endpoints and deliveries as resources. A secret is only in the response that makes it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from importsvc.jsonapi.document.fields import (
    BLANK,
    JsonApiSerializer,
    StrictBooleanField,
    StrictChoiceField,
    StrictTextField,
    ToOneField,
)
from importsvc.webhooks.events import Event
from importsvc.webhooks.models import WebhookDelivery, WebhookEndpoint
from organizations.serializers import OrganizationRelation
from people.serializers import PersonSerializer


class EventsField(serializers.ListField):
    """A list of names of events. The services check the names."""

    default_error_messages = {"not_a_list": "must be a list of text", "required": BLANK, "null": BLANK}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=StrictChoiceField(Event.values), **kwargs)

    def to_internal_value(self, data: Any) -> list[str]:
        if not isinstance(data, list) or not all(isinstance(each, str) for each in data):
            self.fail("not_a_list")
        return list(data)


class WebhookEndpointSerializer(JsonApiSerializer):
    """``webhook_endpoints``."""

    url = StrictTextField(trim_whitespace=False)
    events = EventsField()
    enabled = StrictBooleanField(required=False)
    organization = OrganizationRelation()
    creator = ToOneField("people")

    included_serializers = {"creator": PersonSerializer}

    class Meta:
        model = WebhookEndpoint
        resource_name = "webhook_endpoints"
        fields = [
            "id",
            "url",
            "events",
            "enabled",
            "disabled_reason",
            "failing_since",
            "created_at",
            "updated_at",
            "organization",
            "creator",
        ]
        read_only_fields = ["disabled_reason", "failing_since", "created_at", "updated_at"]
        ignored_in_requests = ["disabled_reason", "failing_since", "updated_at"]


class WebhookDeliverySerializer(JsonApiSerializer):
    """``webhook_deliveries``."""

    organization = OrganizationRelation()
    endpoint = ToOneField("webhook_endpoints")

    included_serializers = {"endpoint": WebhookEndpointSerializer}

    class Meta:
        model = WebhookDelivery
        resource_name = "webhook_deliveries"
        fields = [
            "id",
            "event",
            "event_id",
            "payload",
            "status",
            "attempts",
            "next_attempt_at",
            "last_status",
            "last_error",
            "created_at",
            "delivered_at",
            "organization",
            "endpoint",
        ]
