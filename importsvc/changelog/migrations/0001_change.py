"""The change log."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import importsvc.postgres.foreign_key_constraint


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("imports", "0001_import_and_staged_chunk"),
        ("organizations", "0001_organization"),
    ]

    operations = [
        migrations.CreateModel(
            name="Change",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("record_type", models.CharField(help_text="The importable's name: company, person…", max_length=63)),
                ("record_id", models.BigIntegerField()),
                ("row", models.PositiveIntegerField(help_text="Counted from 1 within its type.")),
                ("action", models.CharField(choices=[("created", "Created"), ("updated", "Updated")], max_length=16)),
                (
                    "before",
                    models.JSONField(
                        blank=True, help_text="The values the row replaced; null for a new record.", null=True
                    ),
                ),
                (
                    "after",
                    models.JSONField(
                        blank=True, help_text="The values the row gave, by column of the table.", null=True
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("removed", "Removed"),
                            ("restored", "Restored"),
                            ("kept", "Kept"),
                            ("gone", "Gone"),
                        ],
                        help_text=(
                            "What the revert made of it; null if it removed or restored the record, or there was no"
                            " revert."
                        ),
                        max_length=8,
                        null=True,
                    ),
                ),
                (
                    "kept_fields",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=63),
                        help_text="The columns that the revert did not restore.",
                        null=True,
                        size=None,
                    ),
                ),
                (
                    "import_record",
                    models.ForeignKey(
                        db_column="import_id",
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
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
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "import_record", "record_id", "record_type"),
                        name="change_record_once",
                    ),
                    importsvc.postgres.foreign_key_constraint.ForeignKeyConstraint(
                        fields=("organization", "import_record"),
                        name="change_of_import",
                        to="imports.Import",
                        to_fields=("organization", "id"),
                    ),
                ],
            },
        ),
        # No statement looks up a change by its id, and the index of ids takes a fifth of the time to write a change.
        migrations.RunSQL(
            sql="""
                ALTER TABLE changelog_change REPLICA IDENTITY USING INDEX change_record_once;
                ALTER TABLE changelog_change DROP CONSTRAINT changelog_change_pkey;
            """,
            reverse_sql="""
                ALTER TABLE changelog_change ADD CONSTRAINT changelog_change_pkey PRIMARY KEY (id);
                ALTER TABLE changelog_change REPLICA IDENTITY DEFAULT;
            """,
        ),
    ]
