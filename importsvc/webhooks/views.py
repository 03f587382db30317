"""The API of webhook endpoints and deliveries."""

from __future__ import annotations

from typing import Any

from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from importsvc.idempotency.decorator import idempotent
from importsvc.jsonapi.description import described
from importsvc.jsonapi.mixins import ListMixin, RetrieveMixin
from importsvc.jsonapi.views import JsonApiViewSet
from importsvc.webhooks import services
from importsvc.webhooks.filters import WebhookDeliveryFilterSet, WebhookEndpointFilterSet
from importsvc.webhooks.models import WebhookDelivery, WebhookEndpoint
from importsvc.webhooks.serializers import WebhookDeliverySerializer, WebhookEndpointSerializer
from organizations.views import OrganizationScopedViewSet

_SECRET = {"secret": {"type": "string"}}


class WebhookEndpointViewSet(ListMixin, RetrieveMixin, OrganizationScopedViewSet):
    """``/webhook_endpoints``."""

    queryset = WebhookEndpoint.objects.all()
    serializer_class = WebhookEndpointSerializer
    filterset_class = WebhookEndpointFilterSet
    http_method_names = [*JsonApiViewSet.http_method_names, "delete"]

    @idempotent
    @described(
        "Create an endpoint",
        serializer=WebhookEndpointSerializer,
        example={"url": "https://example.com/hooks", "events": ["import.processed", "import.reverted"]},
        is_required=True,
        status=201,
        further_attributes=_SECRET,
    )
    def create(self, request: Request) -> Response:
        """``POST /webhook_endpoints``. The secret is only in this response."""
        attributes = self.read_attributes(WebhookEndpointSerializer)
        made = services.create_endpoint(organization=self.organization, creator=self.caller, **attributes)
        location = reverse("webhook_endpoints-detail", [made.endpoint.pk], request=request)
        return self._respond_with_secret(made, status=status.HTTP_201_CREATED, headers={"Location": location})

    @idempotent
    @described(
        "Change an endpoint",
        serializer=WebhookEndpointSerializer,
        example={"enabled": False},
        is_required=True,
        is_partial=True,
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """``PATCH /webhook_endpoints/{id}``: change the attributes that the document has."""
        endpoint_id = self.get_record_id()
        attributes = self.read_attributes(WebhookEndpointSerializer, partial=True, compares_read_only=True)
        services.update_endpoint(organization=self.organization, endpoint_id=endpoint_id, **attributes)
        return self.respond(endpoint_id)

    @idempotent
    @described("Delete an endpoint and its deliveries", has_data=False)
    def destroy(self, request: Request, pk: str) -> Response:
        """``DELETE /webhook_endpoints/{id}``: delete it and its deliveries. The document has only ``meta``."""
        services.delete_endpoint(organization=self.organization, endpoint_id=self.get_record_id())
        return Response({"meta": self.get_document_meta()})

    @action(detail=True, methods=["POST"])
    @idempotent
    @described("Make a new secret", further_attributes=_SECRET)
    def rotate_secret(self, request: Request, pk: str) -> Response:
        """``POST /webhook_endpoints/{id}/rotate_secret``. The new secret is only in this response."""
        made = services.rotate_secret(organization=self.organization, endpoint_id=self.get_record_id())
        return self._respond_with_secret(made)

    def _respond_with_secret(self, made: services.NewSecret, **response: Any) -> Response:
        responded = self.respond(made.endpoint.pk, **response)
        responded.data["data"].setdefault("attributes", {})["secret"] = made.secret
        return responded


class WebhookDeliveryViewSet(ListMixin, RetrieveMixin, OrganizationScopedViewSet):
    """``/webhook_deliveries``."""

    queryset = WebhookDelivery.objects.all()
    serializer_class = WebhookDeliverySerializer
    filterset_class = WebhookDeliveryFilterSet

    @action(detail=True, methods=["POST"])
    @idempotent
    @described("Send a delivery again")
    def redeliver(self, request: Request, pk: str) -> Response:
        """``POST /webhook_deliveries/{id}/redeliver``: send it again as soon as possible."""
        delivery_id = self.get_record_id()
        services.redeliver(organization=self.organization, delivery_id=delivery_id)
        return self.respond(delivery_id)
