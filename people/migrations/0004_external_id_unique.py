"""External ids are unique in an organization. The index is built while the table is in use."""

from django.db import migrations, models

from importsvc.postgres.concurrent_constraints import AddUniqueConstraintConcurrently


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("people", "0003_external_id")]

    operations = [
        AddUniqueConstraintConcurrently(
            model_name="person",
            constraint=models.UniqueConstraint(
                fields=["organization", "external_id"],
                condition=models.Q(external_id__isnull=False),
                name="person_external_id_organization",
                violation_error_message="External id has already been taken",
            ),
        ),
    ]
