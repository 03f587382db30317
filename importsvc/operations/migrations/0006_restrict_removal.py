"""Keys that refer to people take half as long to check when many of these are removed."""

from django.db import migrations

from importsvc.postgres.restricted_keys import RestrictRemoval


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("operations", "0005_operation_result")]

    operations = [
        RestrictRemoval("operation", "operation_creator_of_same_organization"),
    ]
