"""Files, and the parts in which their bytes are stored."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import importsvc.postgres.fields
import importsvc.postgres.foreign_key_constraint


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("organizations", "0001_organization"),
        ("people", "0002_token_scopes"),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(blank=True, help_text="Blank if the client gave none.", max_length=255)),
                (
                    "content_type",
                    models.CharField(
                        blank=True,
                        help_text="The media type that the client gave; blank if it gave none.",
                        max_length=255,
                    ),
                ),
                ("size", models.PositiveBigIntegerField(help_text="In bytes.")),
                ("sha256", models.CharField(help_text="Of the bytes, in hex.", max_length=64)),
                ("format", models.CharField(help_text="csv, xlsx, ods, json_lines or json.", max_length=16)),
                ("encoding", models.CharField(help_text="Of a text, such as utf-8.", max_length=32, null=True)),
                (
                    "separator",
                    models.CharField(
                        help_text="Between the cells of a text; blank for a single column.", max_length=2, null=True
                    ),
                ),
                (
                    "quote",
                    models.CharField(
                        help_text="Around cells of a text; blank if quotes have no meaning.", max_length=1, null=True
                    ),
                ),
                ("decimal_sign", models.CharField(help_text="A point or a comma.", max_length=1, null=True)),
                ("date_order", models.CharField(help_text="dmy, mdy, ymd, or ambiguous.", max_length=9, null=True)),
                (
                    "header_row",
                    models.PositiveIntegerField(help_text="The row of the headers; 0 if there are none.", null=True),
                ),
                ("sheet", models.CharField(help_text="The name of the sheet that is read.", max_length=255, null=True)),
                ("overrides", models.JSONField(default=dict, help_text="The options that were set, by name.")),
                (
                    "guesses",
                    importsvc.postgres.fields.OrderedJsonField(
                        help_text="Of each option the value that was guessed, and a confidence from 0 to 1."
                    ),
                ),
                (
                    "sheets",
                    importsvc.postgres.fields.OrderedJsonField(
                        help_text="Name, row_count, hidden_row_count and trailing_blank_row_count of each sheet."
                    ),
                ),
                ("line_count", models.PositiveBigIntegerField(help_text="Of a text.", null=True)),
                (
                    "sampled_row_count",
                    models.PositiveIntegerField(help_text="The rows that the columns were detected from."),
                ),
                (
                    "columns",
                    importsvc.postgres.fields.OrderedJsonField(
                        help_text="Of each column its header, samples, fill rate, kind and date order."
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "pruned_at",
                    models.DateTimeField(help_text="When its bytes were deleted; null if they were not.", null=True),
                ),
                (
                    "creator",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="import_files",
                        to="people.person",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="import_files",
                        to="organizations.organization",
                    ),
                ),
            ],
            options={
                "permissions": [("download_importfile", "Can download import file")],
            },
        ),
        migrations.CreateModel(
            name="ImportFilePart",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id",
                        "import_file_id",
                        "number",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("number", models.PositiveIntegerField(help_text="In the order of the bytes, counted from 0.")),
                ("content", models.BinaryField()),
                (
                    "import_file",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parts",
                        to="files.importfile",
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
            model_name="importfile",
            index=models.Index(fields=["creator", "organization"], name="import_file_creator"),
        ),
        migrations.AddIndex(
            model_name="importfile",
            index=models.Index(
                condition=models.Q(("pruned_at", None)), fields=["created_at", "id"], name="import_file_created_at"
            ),
        ),
        migrations.AddConstraint(
            model_name="importfile",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="import_file_organization_id"),
        ),
        migrations.AddConstraint(
            model_name="importfile",
            constraint=importsvc.postgres.foreign_key_constraint.ForeignKeyConstraint(
                fields=("organization",),
                name="import_file_organization_exists",
                to="organizations.Organization",
                to_fields=("id",),
            ),
        ),
        migrations.AddConstraint(
            model_name="importfile",
            constraint=importsvc.postgres.foreign_key_constraint.ForeignKeyConstraint(
                fields=("organization", "creator"),
                name="import_file_creator_of_same_organization",
                to="people.Person",
                to_fields=("organization", "id"),
            ),
        ),
        migrations.AddConstraint(
            model_name="importfilepart",
            constraint=importsvc.postgres.foreign_key_constraint.ForeignKeyConstraint(
                fields=("organization", "import_file"),
                name="import_file_part_of_file",
                to="files.ImportFile",
                to_fields=("organization", "id"),
            ),
        ),
        # Not compressed: workbooks are already, and a text would cost more time than it is worth.
        migrations.RunSQL(
            'ALTER TABLE "files_importfilepart" ALTER COLUMN "content" SET STORAGE EXTERNAL',
            'ALTER TABLE "files_importfilepart" ALTER COLUMN "content" SET STORAGE EXTENDED',
        ),
    ]
