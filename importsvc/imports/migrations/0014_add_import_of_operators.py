"""Operators import files in databases, too, whose groups were made before that was possible."""

from django.db import migrations

from importsvc.imports.staff_groups import PermissionKey, grant

ADD_IMPORT = PermissionKey("imports", "import", "add_import", "Can add import")


def grant_add_import(apps, schema_editor):
    grant(apps, "Operators", [ADD_IMPORT])


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0013_refusal"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        # The migration that makes the groups grants it in new databases, and takes it away.
        migrations.RunPython(grant_add_import, migrations.RunPython.noop),
    ]
