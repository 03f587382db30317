"""Webhook endpoints and deliveries."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import importsvc.postgres.foreign_key_constraint


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("organizations", "0001_organization"),
        ("people", "0001_person_and_token"),
    ]

    operations = [
        migrations.CreateModel(
            name="WebhookEndpoint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("url", models.CharField(max_length=2000, verbose_name="URL")),
                (
                    "secret",
                    models.CharField(editable=False, help_text="whsec_ and base64; signs requests.", max_length=100),
                ),
                (
                    "previous_secret",
                    models.CharField(
                        editable=False,
                        help_text="Also signs requests, for a day after the rotation.",
                        max_length=100,
                        null=True,
                    ),
                ),
                ("rotated_at", models.DateTimeField(editable=False, null=True)),
                (
                    "events",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("import.processed", "import.processed"),
                                ("import.failed", "import.failed"),
                                ("import.reverted", "import.reverted"),
                                ("operation.cancelled", "operation.cancelled"),
                            ],
                            max_length=32,
                        ),
                        size=None,
                    ),
                ),
                ("enabled", models.BooleanField(default=True)),
                (
                    "disabled_reason",
                    models.CharField(
                        editable=False,
                        help_text="Null unless the service disabled the endpoint.",
                        max_length=255,
                        null=True,
                    ),
                ),
                (
                    "failing_since",
                    models.DateTimeField(
                        editable=False,
                        help_text="Null if the last attempt was successful, or there was none.",
                        null=True,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "creator",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        help_text="Null if the endpoint was created in the admin.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="webhook_endpoints",
                        to="people.person",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="webhook_endpoints",
                        to="organizations.organization",
                    ),
                ),
            ],
            options={
                "verbose_name": "webhook endpoint",
            },
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "event",
                    models.CharField(
                        choices=[
                            ("import.processed", "import.processed"),
                            ("import.failed", "import.failed"),
                            ("import.reverted", "import.reverted"),
                            ("operation.cancelled", "operation.cancelled"),
                        ],
                        max_length=32,
                    ),
                ),
                (
                    "event_id",
                    models.CharField(
                        help_text="The header webhook-id: the same in each attempt, and for all endpoints of the event.",
                        max_length=64,
                    ),
                ),
                ("payload", models.JSONField(help_text="The body: type, timestamp and data.")),
                (
                    "status",
                    models.CharField(
                        choices=[("pending", "Pending"), ("delivered", "Delivered"), ("failed", "Failed")],
                        default="pending",
                        max_length=16,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0, help_text="Attempts that have begun.")),
                (
                    "next_attempt_at",
                    models.DateTimeField(
                        help_text="During an attempt, when another worker repeats it; null unless pending.", null=True
                    ),
                ),
                (
                    "last_status",
                    models.PositiveSmallIntegerField(help_text="The HTTP status of the last response.", null=True),
                ),
                ("last_error", models.CharField(help_text="Why the last attempt failed.", max_length=500, null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("delivered_at", models.DateTimeField(null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="deliveries",
                        to="webhooks.webhookendpoint",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "webhook deliveries",
                "permissions": [("resend_webhookdelivery", "Can resend webhook delivery")],
            },
        ),
        migrations.AddIndex(
            model_name="webhookendpoint",
            index=models.Index(fields=["creator", "organization"], name="webhook_endpoint_creator"),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "events__contained_by",
                        ["import.processed", "import.failed", "import.reverted", "operation.cancelled"],
                    ),
                    ("events__len__gt", 0),
                ),
                name="webhook_endpoint_events",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(("enabled", False), ("disabled_reason", None), _connector="OR"),
                name="webhook_endpoint_disabled_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("previous_secret", None), ("rotated_at", None)),
                    models.Q(("previous_secret__isnull", False), ("rotated_at__isnull", False)),
                    _connector="OR",
                ),
                name="webhook_endpoint_rotated",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="webhook_endpoint_organization_id"),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=importsvc.postgres.foreign_key_constraint.ForeignKeyConstraint(
                fields=("organization",),
                name="webhook_endpoint_organization_exists",
                to="organizations.Organization",
                to_fields=("id",),
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=importsvc.postgres.foreign_key_constraint.ForeignKeyConstraint(
                fields=("organization", "creator"),
                name="webhook_endpoint_creator_of_same_organization",
                to="people.Person",
                to_fields=("organization", "id"),
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                condition=models.Q(("status", "pending")), fields=["next_attempt_at", "id"], name="webhook_delivery_due"
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(fields=["organization", "endpoint", "id"], name="webhook_delivery_endpoint"),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(fields=["organization", "status", "id"], name="webhook_delivery_status_id"),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(fields=["organization", "event", "id"], name="webhook_delivery_event_id"),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("event__in", ["import.processed", "import.failed", "import.reverted", "operation.cancelled"])
                ),
                name="webhook_delivery_event_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("delivered_at", None), ("next_attempt_at__isnull", False), ("status", "pending")),
                    models.Q(("delivered_at__isnull", False), ("next_attempt_at", None), ("status", "delivered")),
                    models.Q(("delivered_at", None), ("next_attempt_at", None), ("status", "failed")),
                    _connector="OR",
                ),
                name="webhook_delivery_status",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="webhook_delivery_organization_id"),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.UniqueConstraint(
                fields=("organization", "event_id", "endpoint"), name="webhook_delivery_once_for_each_endpoint"
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=importsvc.postgres.foreign_key_constraint.ForeignKeyConstraint(
                fields=("organization", "endpoint"),
                name="webhook_delivery_of_endpoint",
                to="webhooks.WebhookEndpoint",
                to_fields=("organization", "id"),
            ),
        ),
    ]
