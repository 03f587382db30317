"""Keys that refer to people take half as long to check when many of these are removed."""

from django.db import migrations

from importsvc.postgres.restricted_keys import RestrictRemoval


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("import_sessions", "0003_groups_of_staff")]

    operations = [
        RestrictRemoval("importsession", "import_session_creator_of_same_organization"),
        RestrictRemoval("importsession", "import_session_person_of_same_organization"),
    ]
