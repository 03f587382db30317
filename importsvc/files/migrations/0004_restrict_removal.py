"""Keys that refer to people take half as long to check when many of these are removed."""

from django.db import migrations

from importsvc.postgres.restricted_keys import RestrictRemoval


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("files", "0003_proposals")]

    operations = [
        RestrictRemoval("importfile", "import_file_creator_of_same_organization"),
        RestrictRemoval("importmodel", "import_model_creator_of_same_organization"),
    ]
