"""An import's creator belongs to the import's own organization, and the database guarantees it.

One composite key does the work of Django's plain one and promises more; Django cannot declare it.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0001_import_and_journal"),
    ]

    operations = [
        migrations.RunSQL(
            sql="""
                ALTER TABLE imports_import ADD CONSTRAINT import_creator_of_same_organization
                FOREIGN KEY (organization_id, creator_id) REFERENCES people_person (organization_id, id)
                DEFERRABLE INITIALLY IMMEDIATE
            """,
            reverse_sql="ALTER TABLE imports_import DROP CONSTRAINT import_creator_of_same_organization",
        ),
    ]
