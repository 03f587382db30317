"""Tells PostgreSQL to look up imports by creator through the index, however few creators made them all.

Removing 100,000 people asks 100,000 times whether one of them created an import. If all imports have one creator, that
one value is all that PostgreSQL expects to be asked for, and reading every import of the organization seems as good.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0008_index_of_creators"),
    ]

    operations = [
        migrations.RunSQL(
            sql="ALTER TABLE imports_import ALTER COLUMN creator_id SET (n_distinct = -1)",
            reverse_sql="ALTER TABLE imports_import ALTER COLUMN creator_id RESET (n_distinct)",
        ),
    ]
