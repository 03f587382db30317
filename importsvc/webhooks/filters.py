"""Filters of endpoints and deliveries."""

from django_filters import FilterSet

from importsvc.jsonapi.request.filters import IdFilter, WordFilter
from importsvc.webhooks.events import Event
from importsvc.webhooks.models import DeliveryStatus


class WebhookEndpointFilterSet(FilterSet):
    """``filter[id]``."""

    id = IdFilter()


class WebhookDeliveryFilterSet(FilterSet):
    """``filter[endpoint_id]``, ``filter[status]`` and ``filter[event]``."""

    endpoint_id = IdFilter()
    status = WordFilter(words=lambda: DeliveryStatus.values)
    event = WordFilter(words=lambda: Event.values)
