"""Indexes for lists of operations, and the permission to cancel."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0003_queued_chunk"),
        ("operations", "0001_operation_and_progress"),
        ("organizations", "0001_organization"),
        ("people", "0001_person_and_token"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="operation",
            options={"permissions": [("cancel_operation", "Can cancel operation")]},
        ),
        migrations.RemoveIndex(
            model_name="operation",
            name="operation_import",
        ),
        migrations.AlterField(
            model_name="progress",
            name="operation",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="progress",
                to="operations.operation",
            ),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(fields=["organization", "import_record", "id"], name="operation_import"),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(fields=["organization", "status", "id"], name="operation_status"),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(fields=["organization", "kind", "id"], name="operation_kind"),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(fields=["organization", "finished_at", "id"], name="operation_finished_at"),
        ),
        migrations.AddIndex(
            model_name="progress",
            index=models.Index(
                condition=models.Q(("backend_pid__isnull", False)),
                fields=["organization", "operation"],
                name="progress_running",
            ),
        ),
    ]
