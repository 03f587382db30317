"""Keys that clients gave to their requests, each with the answer that settled it."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint
from organizations.models import Organization
from organizations.tenancy import OrganizationScopedQuerySet


class IdempotencyKey(models.Model):
    """A request that was answered, to be answered alike if it comes again.

    Written in the transaction of the work that the answer tells of: there is a row if and only if that was done.
    """

    organization = models.ForeignKey(
        Organization,
        on_delete=models.CASCADE,
        related_name="idempotency_keys",
        db_constraint=False,
        db_index=False,  # the constraint below starts with it
    )
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="What tells the request from others: SHA-256, in hex.")
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
        # In the order in which they are pruned.
        indexes = [models.Index(fields=["created_at", "id"], name="idempotency_key_created_at")]

    def __str__(self) -> str:
        return self.key
