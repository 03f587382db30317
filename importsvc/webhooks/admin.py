"""The admin of webhook endpoints and deliveries."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from importsvc.admin_site.read_only import ReadOnlyAdmin
from importsvc.admin_site.records import RecordAdmin, RecordForm
from importsvc.admin_site.secrets import show_once
from importsvc.errors import DomainError, FeatureUnavailable
from importsvc.webhooks import services
from importsvc.webhooks.addresses import UrlRefused
from importsvc.webhooks.events import Event
from importsvc.webhooks.models import DeliveryStatus, WebhookDelivery, WebhookEndpoint
from organizations.features import is_available

STATUS_LABELS = {
    DeliveryStatus.PENDING: "info",
    DeliveryStatus.DELIVERED: "success",
    DeliveryStatus.FAILED: "danger",
}


class WebhookEndpointForm(RecordForm):
    """A form that accepts what ``services`` accepts."""

    events = forms.MultipleChoiceField(choices=Event.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget)

    def clean_url(self) -> str:
        """The URL.

        Raises:
            ValidationError: webhooks are not sent to it.
        """
        url: str = self.cleaned_data["url"]
        try:
            services.check_url(url)
        except UrlRefused as error:
            raise ValidationError(f"The URL {error}.") from None
        return url

    def clean(self) -> dict[str, Any] | None:
        """The values to write."""
        organization = self.cleaned_data.get("organization")
        if organization and not is_available(organization, services.FEATURE):
            self.add_error(None, str(FeatureUnavailable(services.FEATURE)))
        return super().clean()


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(RecordAdmin):
    """Endpoints of all organizations. A secret is shown once, when it is made."""

    form = WebhookEndpointForm
    list_display = ["url", "id", "shown_organization", "events", "enabled", "failing_since", "created_at"]
    empty_text = "Add one here, or create one with POST /api/v2/webhook_endpoints."
    list_select_related = ["organization"]
    list_filter = ["enabled", ("organization", AutocompleteSelectFilter)]
    list_filter_submit = True
    search_fields = ["url", "id__exact"]
    autocomplete_fields = ["organization"]
    readonly_fields = [
        "disabled_reason",
        "failing_since",
        "creator",
        "created_at",
        "updated_at",
        "rotated_at",
        "deliveries",
    ]
    actions = ["rotate_secrets"]

    def get_fields(self, request: HttpRequest, obj: WebhookEndpoint | None = None) -> Any:
        """The fields of the form."""
        edited = ["organization", "url", "events", "enabled"]
        return [*edited, *self.readonly_fields] if obj else edited

    @display(description="deliveries")  # type: ignore[untyped-decorator]
    def deliveries(self, endpoint: WebhookEndpoint) -> SafeString:
        """A link to the endpoint's deliveries."""
        url = reverse("admin:webhooks_webhookdelivery_changelist")
        return format_html('<a href="{}?endpoint__id__exact={}">Show</a>', url, endpoint.pk)

    @admin.action(permissions=["change"], description="Rotate the secret of selected webhook endpoints")
    def rotate_secrets(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        """Give each selected endpoint a new secret, and show it."""
        for endpoint in queryset.select_related("organization").order_by("id"):
            try:
                made = services.rotate_secret(organization=endpoint.organization, endpoint_id=endpoint.pk)
            except DomainError as error:
                self.message_user(request, f"{endpoint}: {error}", messages.ERROR)
                continue
            self.log_change(request, endpoint, "Rotated the secret.")
            self._show_secret(request, made)

    def save_model(self, request: HttpRequest, obj: WebhookEndpoint, form: Any, change: bool) -> None:
        """Save the endpoint and, if it is new, show its secret."""
        if change:
            if form.cleaned_data:
                services.update_endpoint(organization=obj.organization, endpoint_id=obj.pk, **form.cleaned_data)
            return
        made = services.create_endpoint(**form.cleaned_data)
        # The admin uses the instance of the form afterwards.
        obj.pk = made.endpoint.pk
        self._show_secret(request, made)

    def delete_model(self, request: HttpRequest, obj: WebhookEndpoint) -> None:
        """Delete the endpoint and its deliveries."""
        services.delete_endpoint(organization=obj.organization, endpoint_id=obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        """Delete the endpoints and their deliveries."""
        for endpoint in queryset.select_related("organization"):
            self.delete_model(request, endpoint)

    def _show_secret(self, request: HttpRequest, made: services.NewSecret) -> None:
        name = f"The secret of {made.endpoint.url}"
        show_once(self, request, name, made.secret, element=f"secret-{made.endpoint.pk}")


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin, RecordAdmin):
    """Deliveries to all endpoints, read-only, with an action that sends them again."""

    list_display = [
        "event",
        "id",
        "endpoint",
        "shown_organization",
        "shown_status",
        "attempts",
        "last_status",
        "next_attempt_at",
        "created_at",
    ]
    empty_text = "An event of an organization that has an endpoint for it makes one."
    list_select_related = ["endpoint", "organization"]
    list_filter = ["status", "event", ("organization", AutocompleteSelectFilter)]
    list_filter_submit = True
    search_fields = ["event_id", "endpoint__url", "id__exact"]
    fields = [
        ("event", "event_id"),
        ("organization", "endpoint"),
        ("status", "attempts"),
        ("created_at", "next_attempt_at", "delivered_at"),
        ("last_status", "last_error"),
        "payload",
    ]
    readonly_fields = ["created_at"]
    actions = ["send_again"]

    @display(description="status", label=STATUS_LABELS, ordering="status")  # type: ignore[untyped-decorator]
    def shown_status(self, delivery: WebhookDelivery) -> str:
        """The status, with a colour."""
        return delivery.status

    @admin.action(permissions=["resend"], description="Send again")
    def send_again(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> None:
        """Send the selected deliveries again as soon as possible."""
        count = 0
        for delivery in queryset.select_related("organization").order_by("id"):
            try:
                services.redeliver(organization=delivery.organization, delivery_id=delivery.pk)
            except DomainError as error:
                self.message_user(request, f"{delivery}: {error}", messages.ERROR)
                continue
            self.log_change(request, delivery, "Sent again.")
            count += 1
        shown = f"{count} {'delivery' if count == 1 else 'deliveries'}"
        self.message_user(request, f"{shown} will be sent again.", messages.SUCCESS if count else messages.WARNING)

    def has_resend_permission(self, request: HttpRequest) -> bool:
        """Whether the user may send deliveries again."""
        return request.user.has_perm("webhooks.resend_webhookdelivery")
