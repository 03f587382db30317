"""External ids are unique in an organization. The index is built while the table is in use."""

from django.db import migrations, models

from importsvc.postgres.concurrent_constraints import AddUniqueConstraintConcurrently


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("companies", "0002_external_id")]

    operations = [
        AddUniqueConstraintConcurrently(
            model_name="company",
            constraint=models.UniqueConstraint(
                fields=["organization", "external_id"],
                condition=models.Q(external_id__isnull=False),
                name="company_external_id_organization",
                violation_error_message="External id has already been taken",
            ),
        ),
    ]
