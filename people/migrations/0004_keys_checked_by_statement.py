"""That people's organizations, companies and tokens' people exist is checked once for a statement, not for each row."""

import django.db.models.deletion
from django.db import migrations, models

from importsvc.postgres.statement_keys import StatementForeignKey


class Migration(migrations.Migration):
    dependencies = [
        ("companies", "0002_keys_checked_by_statement"),
        ("people", "0003_companies_are_looked_up_by_index"),
    ]

    operations = [
        # Each new key first, and the old one away only then: no row has to be looked at.
        migrations.AddConstraint(
            model_name="person",
            constraint=StatementForeignKey(
                fields=("organization",),
                to="organizations.Organization",
                to_fields=("id",),
                name="person_organization_exists",
            ),
        ),
        migrations.AlterField(
            model_name="person",
            name="organization",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="people",
                to="organizations.organization",
            ),
        ),
        migrations.AddConstraint(
            model_name="person",
            constraint=StatementForeignKey(
                fields=("organization", "company"),
                to="companies.Company",
                to_fields=("organization", "id"),
                name="person_company_of_same_organization",
            ),
        ),
        migrations.RunSQL(
            sql="ALTER TABLE people_person DROP CONSTRAINT person_company_of_same_organization",
            reverse_sql="""
                ALTER TABLE people_person ADD CONSTRAINT person_company_of_same_organization
                FOREIGN KEY (organization_id, company_id) REFERENCES companies_company (organization_id, id)
                DEFERRABLE INITIALLY IMMEDIATE
            """,
        ),
        migrations.AddConstraint(
            model_name="apitoken",
            constraint=StatementForeignKey(
                fields=("person",), to="people.Person", to_fields=("id",), name="token_person_exists"
            ),
        ),
        migrations.AlterField(
            model_name="apitoken",
            name="person",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="tokens",
                to="people.person",
            ),
        ),
    ]
