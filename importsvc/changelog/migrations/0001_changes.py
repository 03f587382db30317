"""The change log."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from importsvc.postgres.statement_keys import StatementForeignKey


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("organizations", "0001_organization"),
        ("imports", "0001_imports"),
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
            ],
        ),
        migrations.AddConstraint(
            model_name="change",
            constraint=models.UniqueConstraint(
                fields=("organization", "import_record", "record_type", "record_id"), name="change_record_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="change",
            constraint=StatementForeignKey(
                fields=("organization", "import_record"),
                to="imports.Import",
                to_fields=("organization", "id"),
                name="change_of_import",
            ),
        ),
        # No query asks for a change by its id, and an index of ids is a fifth of the cost of writing a change.
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
        migrations.RunSQL(
            sql="""
                CREATE FUNCTION changelog_change_refuse_move() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    RAISE foreign_key_violation USING MESSAGE = 'A change stays with its import',
                        TABLE = 'changelog_change', CONSTRAINT = 'change_of_import';
                END $$;
                CREATE TRIGGER change_stays_with_import
                    BEFORE UPDATE OF organization_id, import_id ON changelog_change FOR EACH ROW
                    WHEN ((OLD.organization_id, OLD.import_id) IS DISTINCT FROM (NEW.organization_id, NEW.import_id))
                    EXECUTE FUNCTION changelog_change_refuse_move();
            """,
            reverse_sql="""
                DROP TRIGGER change_stays_with_import ON changelog_change;
                DROP FUNCTION changelog_change_refuse_move();
            """,
        ),
    ]
