"""Webhook endpoints of organizations, and the deliveries of events to them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint
from importsvc.webhooks.addresses import LONGEST_URL
from importsvc.webhooks.events import Event
from organizations.models import Organization
from organizations.tenancy import OrganizationScopedQuerySet, TenantForeignKey
from people.author_key import AuthorForeignKey
from people.models import Person


class DeliveryStatus(models.TextChoices):
    """The status of a delivery. A pending one is attempted at its ``next_attempt_at``."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class WebhookEndpoint(models.Model):
    """A URL that is told about events of its organization."""

    organization = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        related_name="webhook_endpoints",
        db_constraint=False,
        db_index=False,  # a constraint below starts with it
    )
    creator = AuthorForeignKey(
        Person,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="webhook_endpoints",
        db_constraint=False,
        db_index=False,
        help_text="Null if the endpoint was created in the admin.",
    )
    url = models.CharField("URL", max_length=LONGEST_URL)
    secret = models.CharField(max_length=100, editable=False, help_text="whsec_ and base64; signs requests.")
    previous_secret = models.CharField(
        max_length=100, null=True, editable=False, help_text="Also signs requests, for a day after the rotation."
    )
    rotated_at = models.DateTimeField(null=True, editable=False)
    events = ArrayField(models.CharField(max_length=32, choices=Event.choices))
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(
        max_length=255, null=True, editable=False, help_text="Null unless the service disabled the endpoint."
    )
    failing_since = models.DateTimeField(
        null=True, editable=False, help_text="Null if the last attempt was successful, or there was none."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = OrganizationScopedQuerySet.as_manager()

    class Meta:
        verbose_name = "webhook endpoint"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(events__len__gt=0, events__contained_by=Event.values), name="webhook_endpoint_events"
            ),
            models.CheckConstraint(
                condition=models.Q(enabled=False) | models.Q(disabled_reason=None),
                name="webhook_endpoint_disabled_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(previous_secret=None, rotated_at=None)
                | models.Q(previous_secret__isnull=False, rotated_at__isnull=False),
                name="webhook_endpoint_rotated",
            ),
            # The key that deliveries refer to, and the order of lists.
            models.UniqueConstraint(fields=["organization", "id"], name="webhook_endpoint_organization_id"),
            ForeignKeyConstraint(
                fields=["organization"],
                to="organizations.Organization",
                to_fields=["id"],
                name="webhook_endpoint_organization_exists",
            ),
            # An endpoint and its creator belong to the same organization.
            ForeignKeyConstraint(
                fields=["organization", "creator"],
                to="people.Author",
                to_fields=["organization", "person"],
                name="webhook_endpoint_creator_of_same_organization",
            ),
        ]
        indexes = [
            # Both columns of the key, for its check when people are removed.
            models.Index(fields=["creator", "organization"], name="webhook_endpoint_creator"),
        ]

    def __str__(self) -> str:
        return self.url


class WebhookDelivery(models.Model):
    """An event for an endpoint, and what became of it. Written in the transaction of the work that it is about."""

    organization = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,  # the key to the endpoint implies it
        db_index=False,  # a constraint below starts with it
    )
    endpoint = TenantForeignKey(
        WebhookEndpoint,
        on_delete=models.DO_NOTHING,  # the service deletes deliveries before their endpoint
        related_name="deliveries",
        db_constraint=False,
        db_index=False,
    )
    event = models.CharField(max_length=32, choices=Event.choices)
    event_id = models.CharField(
        max_length=64, help_text="The header webhook-id: the same in each attempt, and for all endpoints of the event."
    )
    payload = models.JSONField(help_text="The body: type, timestamp and data.")
    status = models.CharField(max_length=16, choices=DeliveryStatus.choices, default=DeliveryStatus.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Attempts that have begun.")
    next_attempt_at = models.DateTimeField(
        null=True, help_text="During an attempt, when another worker repeats it; null unless pending."
    )
    last_status = models.PositiveSmallIntegerField(null=True, help_text="The HTTP status of the last response.")
    last_error = models.CharField(max_length=500, null=True, help_text="Why the last attempt failed.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    delivered_at = models.DateTimeField(null=True)

    objects = OrganizationScopedQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "webhook deliveries"
        permissions = [("resend_webhookdelivery", "Can resend webhook delivery")]
        constraints = [
            models.CheckConstraint(condition=models.Q(event__in=Event.values), name="webhook_delivery_event_known"),
            models.CheckConstraint(
                condition=models.Q(status=DeliveryStatus.PENDING, next_attempt_at__isnull=False, delivered_at=None)
                | models.Q(status=DeliveryStatus.DELIVERED, next_attempt_at=None, delivered_at__isnull=False)
                | models.Q(status=DeliveryStatus.FAILED, next_attempt_at=None, delivered_at=None),
                name="webhook_delivery_status",
            ),
            models.UniqueConstraint(fields=["organization", "id"], name="webhook_delivery_organization_id"),
            models.UniqueConstraint(
                fields=["organization", "event_id", "endpoint"], name="webhook_delivery_once_for_each_endpoint"
            ),
            # A delivery belongs to the organization of its endpoint.
            ForeignKeyConstraint(
                fields=["organization", "endpoint"],
                to="webhooks.WebhookEndpoint",
                to_fields=["organization", "id"],
                name="webhook_delivery_of_endpoint",
            ),
        ]
        indexes = [
            # What the worker looks for, in all organizations.
            models.Index(
                fields=["next_attempt_at", "id"],
                condition=models.Q(status=DeliveryStatus.PENDING),
                name="webhook_delivery_due",
            ),
            # For the filters of lists. The first is also that of the key.
            models.Index(fields=["organization", "endpoint", "id"], name="webhook_delivery_endpoint"),
            models.Index(fields=["organization", "status", "id"], name="webhook_delivery_status_id"),
            models.Index(fields=["organization", "event", "id"], name="webhook_delivery_event_id"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.event_id}"
