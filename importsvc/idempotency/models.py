"""Idempotency keys of requests, each with the response that the request got."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint
from organizations.models import Organization
from organizations.tenancy import OrganizationScopedQuerySet


class IdempotencyKey(models.Model):
    """A request's key and response, so that a retry gets the same response.

    Written in the transaction of the request's work: the row exists if and only if the work is committed.
    """

    organization = models.ForeignKey(
        Organization,
        on_delete=models.CASCADE,
        related_name="idempotency_keys",
        db_constraint=False,
        db_index=False,  # the constraint below starts with it
    )
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="Equal for equal requests: a SHA-256, in hex.")
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField()
    body = models.BinaryField(help_text="The document as it was written, not compressed.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = OrganizationScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "key"], name="idempotency_key_organization_key"),
            ForeignKeyConstraint(
                fields=["organization"],
                to="organizations.Organization",
                to_fields=["id"],
                name="idempotency_key_organization_exists",
            ),
        ]
        # The order in which an organization's keys are pruned.
        indexes = [models.Index(fields=["organization", "created_at", "id"], name="idempotency_key_created_at")]

    def __str__(self) -> str:
        return self.key
