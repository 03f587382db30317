"""Tells PostgreSQL to look up people by company through the index, however few companies they all work for.

Removing 10,000 companies asks 10,000 times whether somebody works there. If everybody works for one company, that one
value is all that PostgreSQL expects to be asked for, and reading everybody in the organization seems as good.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0002_company_of_same_organization"),
    ]

    operations = [
        migrations.RunSQL(
            sql="ALTER TABLE people_person ALTER COLUMN company_id SET (n_distinct = -1)",
            reverse_sql="ALTER TABLE people_person ALTER COLUMN company_id RESET (n_distinct)",
        ),
    ]
