"""Tells PostgreSQL that an import is found by its creator, and not by its organization, whatever it counted itself.

Removing 100,000 people asks 100,000 times whether one of them created an import. If one person created them all, or the
table was all but empty when it was counted, going through all imports of the organization seems as good to PostgreSQL.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0008_index_of_creators"),
    ]

    operations = [
        # Negative: as a part of the number of rows. Every row another creator, a thousand rows an organization.
        migrations.RunSQL(
            sql="""
                ALTER TABLE imports_import ALTER COLUMN creator_id SET (n_distinct = -1);
                ALTER TABLE imports_import ALTER COLUMN organization_id SET (n_distinct = -0.001);
            """,
            reverse_sql="""
                ALTER TABLE imports_import ALTER COLUMN organization_id RESET (n_distinct);
                ALTER TABLE imports_import ALTER COLUMN creator_id RESET (n_distinct);
            """,
        ),
    ]
