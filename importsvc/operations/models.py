"""Operations: work that a worker does for a request. Their table is the queue."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from importsvc.postgres.fields import OrderedJsonField
from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint
from organizations.models import Organization
from organizations.tenancy import OrganizationScopedQuerySet, TenantForeignKey
from people.author_key import AuthorForeignKey
from people.models import Person


class Kind(models.TextChoices):
    """What an operation does to an import."""

    CREATE = "create"
    UPDATE = "update"
    IMPORT = "import"
    REVERT = "revert"
    CHECK = "check"
    PREVIEW = "preview"


class Status(models.TextChoices):
    """The status of an operation. Only ``queued`` changes."""

    QUEUED = "queued"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


# Not stored: the status of a queued operation that a worker has begun.
RUNNING: Final = "running"


class Operation(models.Model):
    """Work on an import. It is queued until the transaction that does the work commits.

    A worker holds the row's lock while it does the work (docs/decisions/0019).
    """

    organization = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,  # a constraint below starts with it
    )
    creator = AuthorForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    import_record = TenantForeignKey(
        "imports.Import",
        on_delete=models.CASCADE,
        related_name="operations",
        db_column="import_id",
        null=True,
        db_constraint=False,
        db_index=False,
        help_text="The import; null for one that is not created yet.",
    )
    kind = models.CharField(max_length=8, choices=Kind.choices)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.QUEUED)
    arguments = models.JSONField(default=dict, help_text="The arguments of the work, but for the rows.")
    errors = OrderedJsonField(
        default=list, help_text="The errors of the work: objects with code, detail, attribute and meta."
    )
    result = OrderedJsonField(null=True, editable=False, help_text="What a preview shows; null for other kinds.")
    queued_at = models.DateTimeField(default=timezone.now, editable=False)
    due_at = models.DateTimeField(
        db_default=Now(), editable=False, help_text="Before this time no worker begins the work."
    )
    finished_at = models.DateTimeField(null=True, editable=False)

    objects = OrganizationScopedQuerySet.as_manager()

    class Meta:
        permissions = [("cancel_operation", "Can cancel operation")]
        constraints = [
            models.UniqueConstraint(fields=["organization", "id"], name="operation_organization_id"),
            ForeignKeyConstraint(
                fields=["organization"],
                to="organizations.Organization",
                to_fields=["id"],
                name="operation_organization_exists",
            ),
            ForeignKeyConstraint(
                fields=["organization", "creator"],
                to="people.Author",
                to_fields=["organization", "person"],
                name="operation_creator_of_same_organization",
            ),
            ForeignKeyConstraint(
                fields=["organization", "import_record"],
                to="imports.Import",
                to_fields=["organization", "id"],
                name="operation_of_import",
            ),
            models.CheckConstraint(
                condition=models.Q(status=Status.QUEUED, finished_at=None)
                | (~models.Q(status=Status.QUEUED) & models.Q(finished_at__isnull=False)),
                name="operation_finished_with_time",
            ),
        ]
        indexes = [
            # For the filters of lists.
            models.Index(fields=["organization", "import_record", "id"], name="operation_import"),
            models.Index(fields=["organization", "status", "id"], name="operation_status"),
            models.Index(fields=["organization", "kind", "id"], name="operation_kind"),
            models.Index(fields=["creator", "organization"], name="operation_creator"),
            # The order in which an organization's operations are pruned.
            models.Index(fields=["organization", "finished_at", "id"], name="operation_finished_at"),
            # The queue: an organization's operations are done in the order of their ids.
            models.Index(
                fields=["organization", "id"], condition=models.Q(status=Status.QUEUED), name="operation_queue"
            ),
        ]

    def __str__(self) -> str:
        return f"Operation {self.pk}"


class Progress(models.Model):
    """The attempts and the progress of an operation.

    A row of its own, written outside of the transaction that does the work: it is seen at once, and stays after a
    rollback.
    """

    pk = models.CompositePrimaryKey("organization_id", "operation_id")
    organization = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,  # the key to the operation implies it
        db_index=False,  # the primary key starts with it
    )
    operation = TenantForeignKey(
        Operation, on_delete=models.CASCADE, related_name="progress", db_constraint=False, db_index=False
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    worker = models.CharField(max_length=255, blank=True, help_text="The host and process of the last attempt.")
    backend_pid = models.IntegerField(
        null=True, help_text="PostgreSQL's process of this progress; it ends with the attempt."
    )
    work_pid = models.IntegerField(
        null=True, help_text="PostgreSQL's process of the work; null if no statement of it may be ended."
    )
    started_at = models.DateTimeField(null=True, help_text="When the last attempt began.")
    phase = models.CharField(max_length=16, blank=True)
    done = models.PositiveBigIntegerField(default=0, help_text="Rows of the phase.")
    total = models.PositiveBigIntegerField(default=0, help_text="Rows of all phases; 0 if not known.")
    cancel_requested_at = models.DateTimeField(null=True)

    objects = OrganizationScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            ForeignKeyConstraint(
                fields=["organization", "operation"],
                to="operations.Operation",
                to_fields=["organization", "id"],
                name="progress_of_operation",
            ),
        ]
        indexes = [
            # Those that a worker does, or did when it ended.
            models.Index(
                fields=["organization", "operation"],
                condition=models.Q(backend_pid__isnull=False),
                name="progress_running",
            ),
        ]

    def __str__(self) -> str:
        return f"Progress of operation {self.operation_id}"
