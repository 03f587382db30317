"""That a company's organization exists is checked once for a statement, and not once for each row."""

import django.db.models.deletion
from django.db import migrations, models

from importsvc.postgres.statement_keys import StatementForeignKey


class Migration(migrations.Migration):
    dependencies = [
        ("companies", "0001_company"),
    ]

    operations = [
        # The new key first, and the old one away only then: no row has to be looked at.
        migrations.AddConstraint(
            model_name="company",
            constraint=StatementForeignKey(
                fields=("organization",),
                to="organizations.Organization",
                to_fields=("id",),
                name="company_organization_exists",
            ),
        ),
        migrations.AlterField(
            model_name="company",
            name="organization",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="companies",
                to="organizations.organization",
            ),
        ),
    ]
