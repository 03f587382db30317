"""Looks at the imports that were there before the constraint."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0011_known_on_duplicate"),
    ]

    operations = [
        ValidateConstraint(model_name="import", name="import_on_duplicate_known"),
    ]
