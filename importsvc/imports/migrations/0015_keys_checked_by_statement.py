"""That an import's creator exists is checked once for a statement, like all keys to records that are removed by thousands.

The journal's key to its import was checked like that before, by triggers of its own; now it is declared as the others
are. That an entry stays with its import is more than a key promises, and keeps its trigger.
"""

from importlib import import_module

from django.db import migrations

from importsvc.postgres.statement_keys import StatementForeignKey

JOURNAL_KEY = import_module("importsvc.imports.migrations.0003_journal_key_by_statement")


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0014_groups_of_staff"),
        ("people", "0004_keys_checked_by_statement"),
    ]

    operations = [
        # Each new key first, and the old one away only then.
        migrations.AddConstraint(
            model_name="import",
            constraint=StatementForeignKey(
                fields=("organization", "creator"),
                to="people.Person",
                to_fields=("organization", "id"),
                name="import_creator_of_same_organization",
            ),
        ),
        migrations.RunSQL(
            sql="ALTER TABLE imports_import DROP CONSTRAINT import_creator_of_same_organization",
            reverse_sql="""
                ALTER TABLE imports_import ADD CONSTRAINT import_creator_of_same_organization
                FOREIGN KEY (organization_id, creator_id) REFERENCES people_person (organization_id, id)
                DEFERRABLE INITIALLY IMMEDIATE
            """,
        ),
        migrations.AddConstraint(
            model_name="change",
            constraint=StatementForeignKey(
                fields=("import_record",), to="imports.Import", to_fields=("id",), name="change_of_import"
            ),
        ),
        migrations.RunSQL(sql=JOURNAL_KEY.NO_KEY, reverse_sql=JOURNAL_KEY.KEY),
    ]
