"""A person's company belongs to the person's own organization, and the database guarantees it.

One composite key does the work of Django's plain one and promises more; Django cannot declare it.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0001_person_and_token"),
    ]

    operations = [
        migrations.RunSQL(
            sql="""
                ALTER TABLE people_person ADD CONSTRAINT person_company_of_same_organization
                FOREIGN KEY (organization_id, company_id) REFERENCES companies_company (organization_id, id)
                DEFERRABLE INITIALLY IMMEDIATE
            """,
            reverse_sql="ALTER TABLE people_person DROP CONSTRAINT person_company_of_same_organization",
        ),
    ]
