"""The changes of created records, chunk by chunk, and a view of all changes.

Changes that are there stay as they are.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import importsvc.postgres.fields
import importsvc.postgres.foreign_key_constraint

_FIELDS: list[tuple[str, models.Field]] = [
    ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
    ("record_type", models.CharField(help_text="The importable's name: company, person…", max_length=63)),
    ("record_id", models.BigIntegerField()),
    ("row", models.PositiveIntegerField(help_text="Counted from 1 within its type.")),
    ("action", models.CharField(choices=[("created", "Created"), ("updated", "Updated")], max_length=16)),
    (
        "before",
        models.JSONField(blank=True, help_text="The values the row replaced; null for a new record.", null=True),
    ),
    ("after", models.JSONField(blank=True, help_text="The values the row gave, by column of the table.", null=True)),
    (
        "outcome",
        models.CharField(
            choices=[("removed", "Removed"), ("restored", "Restored"), ("kept", "Kept"), ("gone", "Gone")],
            help_text="What the revert made of it; null if it removed or restored the record, or there was no revert.",
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
            on_delete=django.db.models.deletion.DO_NOTHING,
            related_name="changes",
            to="imports.import",
        ),
    ),
    (
        "organization",
        models.ForeignKey(
            db_constraint=False,
            on_delete=django.db.models.deletion.DO_NOTHING,
            related_name="+",
            to="organizations.organization",
        ),
    ),
    ("is_chunked", models.BooleanField()),
    ("first_id", models.BigIntegerField()),
    ("last_id", models.BigIntegerField()),
    ("first_row", models.PositiveIntegerField()),
    ("last_row", models.PositiveIntegerField()),
    ("block", models.BigIntegerField()),
]


class Migration(migrations.Migration):
    dependencies = [
        ("changelog", "0001_change"),
        ("imports", "0015_restrict_removal"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameModel("Change", "SingleChange"),
                migrations.AlterModelTable("SingleChange", "changelog_change"),
                migrations.AlterField(
                    "SingleChange",
                    "import_record",
                    models.ForeignKey(
                        db_column="import_id",
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="imports.import",
                    ),
                ),
            ]
        ),
        migrations.CreateModel(
            name="CreatedChunk",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id",
                        "import_record_id",
                        "block",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("block", models.BigIntegerField()),
                ("record_type", models.CharField(help_text="The importable's name: company, person…", max_length=63)),
                ("record_count", models.PositiveIntegerField()),
                ("first_id", models.BigIntegerField(help_text="The smallest id of the records.")),
                ("last_id", models.BigIntegerField(help_text="The largest id of the records.")),
                (
                    "record_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), help_text="In ascending order.", size=None
                    ),
                ),
                (
                    "rows",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveIntegerField(),
                        help_text="Counted from 1 within their type.",
                        size=None,
                    ),
                ),
                (
                    "columns",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=63),
                        help_text="The columns that occur in the values.",
                        size=None,
                    ),
                ),
                (
                    "after",
                    importsvc.postgres.fields.OrderedJsonField(
                        help_text="The values that each row gave, by column of the table."
                    ),
                ),
                (
                    "import_record",
                    models.ForeignKey(
                        db_column="import_id",
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
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
                "indexes": [
                    models.Index(fields=["organization", "record_type", "last_id"], name="created_chunk_last_id")
                ],
                "constraints": [
                    importsvc.postgres.foreign_key_constraint.ForeignKeyConstraint(
                        fields=("organization", "import_record"),
                        name="created_chunk_of_import",
                        to="imports.Import",
                        to_fields=("organization", "id"),
                    )
                ],
            },
        ),
        migrations.RunSQL(
            # After all blocks that have ids of single changes.
            sql="""
                CREATE SEQUENCE changelog_block;
                SELECT setval('changelog_block', (SELECT last_value FROM changelog_change_id_seq) / 4096 + 1);
            """,
            reverse_sql="DROP SEQUENCE changelog_block",
        ),
        migrations.RunSQL(
            sql="""
                CREATE VIEW changelog_anychange AS
                SELECT id, organization_id, import_id, record_type, record_id, row, action, before, after, outcome,
                       kept_fields, false AS is_chunked, record_id AS first_id, record_id AS last_id,
                       row AS first_row, row AS last_row, id / 4096 AS block
                  FROM changelog_change
                 UNION ALL
                SELECT chunk.block * 4096 + record.position - 1, chunk.organization_id, chunk.import_id,
                       chunk.record_type, record.id, record.row, 'created'::varchar, NULL::jsonb, record.after::jsonb,
                       NULL::varchar, NULL::varchar[], true, chunk.first_id, chunk.last_id,
                       chunk.rows[1], chunk.rows[chunk.record_count], chunk.block
                  FROM changelog_createdchunk AS chunk CROSS JOIN LATERAL
                       ROWS FROM (unnest(chunk.record_ids), unnest(chunk.rows), json_array_elements(chunk.after))
                       WITH ORDINALITY AS record(id, row, after, position)
            """,
            # Each change is a row by itself again.
            reverse_sql="""
                INSERT INTO changelog_change
                       (id, organization_id, import_id, record_type, record_id, row, action, before, after)
                SELECT id, organization_id, import_id, record_type, record_id, row, action, before, after
                  FROM changelog_anychange WHERE is_chunked;
                DROP VIEW changelog_anychange
            """,
        ),
        migrations.CreateModel(
            name="Change", fields=_FIELDS, options={"managed": False, "db_table": "changelog_anychange"}
        ),
    ]
