"""Tells PostgreSQL that people are found by their company, and not by their organization, whatever it counted itself.

Removing 10,000 companies asks 10,000 times whether somebody works there. If everybody works for one company, or the
table was all but empty when it was counted, going through everybody in the organization seems as good to PostgreSQL.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0002_company_of_same_organization"),
    ]

    operations = [
        # Negative: as a part of the number of rows. Every row another company, a thousand rows an organization.
        migrations.RunSQL(
            sql="""
                ALTER TABLE people_person ALTER COLUMN company_id SET (n_distinct = -1);
                ALTER TABLE people_person ALTER COLUMN organization_id SET (n_distinct = -0.001);
            """,
            reverse_sql="""
                ALTER TABLE people_person ALTER COLUMN organization_id RESET (n_distinct);
                ALTER TABLE people_person ALTER COLUMN company_id RESET (n_distinct);
            """,
        ),
    ]
