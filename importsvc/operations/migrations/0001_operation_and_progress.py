"""Operations, and their progress."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.db import migrations, models

import importsvc.postgres.fields
import importsvc.postgres.foreign_key_constraint


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("imports", "0002_groups_of_staff"),
        ("organizations", "0001_organization"),
        ("people", "0001_person_and_token"),
    ]

    operations = [
        migrations.CreateModel(
            name="Operation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("create", "Create"),
                            ("update", "Update"),
                            ("import", "Import"),
                            ("revert", "Revert"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="queued",
                        max_length=16,
                    ),
                ),
                ("arguments", models.JSONField(default=dict, help_text="The arguments of the work, but for the rows.")),
                (
                    "errors",
                    importsvc.postgres.fields.OrderedJsonField(
                        default=list, help_text="The errors of the work: objects with code, detail, attribute and meta."
                    ),
                ),
                ("queued_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "due_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        help_text="Before this time no worker begins the work.",
                    ),
                ),
                ("finished_at", models.DateTimeField(editable=False, null=True)),
                (
                    "creator",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.person",
                    ),
                ),
                (
                    "import_record",
                    models.ForeignKey(
                        db_column="import_id",
                        db_constraint=False,
                        db_index=False,
                        help_text="The import; null for one that is not created yet.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="operations",
                        to="imports.import",
                    ),
                ),
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
            ],
        ),
        migrations.CreateModel(
            name="Progress",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id", "operation_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                (
                    "worker",
                    models.CharField(blank=True, help_text="The host and process of the last attempt.", max_length=255),
                ),
                (
                    "backend_pid",
                    models.IntegerField(
                        help_text="PostgreSQL's process of this progress; it ends with the attempt.", null=True
                    ),
                ),
                (
                    "work_pid",
                    models.IntegerField(
                        help_text="PostgreSQL's process of the work; null if no statement of it may be ended.",
                        null=True,
                    ),
                ),
                ("started_at", models.DateTimeField(help_text="When the last attempt began.", null=True)),
                ("phase", models.CharField(blank=True, max_length=16)),
                ("done", models.PositiveBigIntegerField(default=0, help_text="Rows of the phase.")),
                ("total", models.PositiveBigIntegerField(default=0, help_text="Rows of all phases; 0 if not known.")),
                ("cancel_requested_at", models.DateTimeField(null=True)),
                (
                    "operation",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="operations.operation",
                    ),
                ),
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
            ],
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(fields=["organization", "import_record"], name="operation_import"),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(fields=["creator", "organization"], name="operation_creator"),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                condition=models.Q(("status", "queued")), fields=["organization", "id"], name="operation_queue"
            ),
        ),
        migrations.AddConstraint(
            model_name="operation",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="operation_organization_id"),
        ),
        migrations.AddConstraint(
            model_name="operation",
            constraint=importsvc.postgres.foreign_key_constraint.ForeignKeyConstraint(
                fields=("organization",),
                name="operation_organization_exists",
                to="organizations.Organization",
                to_fields=("id",),
            ),
        ),
        migrations.AddConstraint(
            model_name="operation",
            constraint=importsvc.postgres.foreign_key_constraint.ForeignKeyConstraint(
                fields=("organization", "creator"),
                name="operation_creator_of_same_organization",
                to="people.Person",
                to_fields=("organization", "id"),
            ),
        ),
        migrations.AddConstraint(
            model_name="operation",
            constraint=importsvc.postgres.foreign_key_constraint.ForeignKeyConstraint(
                fields=("organization", "import_record"),
                name="operation_of_import",
                to="imports.Import",
                to_fields=("organization", "id"),
            ),
        ),
        migrations.AddConstraint(
            model_name="operation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at", None), ("status", "queued")),
                    models.Q(models.Q(("status", "queued"), _negated=True), ("finished_at__isnull", False)),
                    _connector="OR",
                ),
                name="operation_finished_with_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="progress",
            constraint=importsvc.postgres.foreign_key_constraint.ForeignKeyConstraint(
                fields=("organization", "operation"),
                name="progress_of_operation",
                to="operations.Operation",
                to_fields=("organization", "id"),
            ),
        ),
    ]
