"""Only what the service knows how to do about duplicates; validated by the next migration, without a long lock."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0010_duplicates_counts_and_actors_of_imports"),
    ]

    operations = [
        AddConstraintNotValid(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(on_duplicate__in=["error", "skip", "update"]),
                name="import_on_duplicate_known",
            ),
        ),
    ]
