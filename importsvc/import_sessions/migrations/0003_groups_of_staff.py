"""Support and Operators view links to the wizard, and Operators revoke them. Only the API creates them."""

from django.db import migrations

from importsvc.imports.staff_groups import PermissionKey, grant, withdraw

_VIEW = PermissionKey("import_sessions", "importsession", "view_importsession", "Can view import session")
_DELETE = PermissionKey("import_sessions", "importsession", "delete_importsession", "Can delete import session")
PERMISSIONS = {"Support": [_VIEW], "Operators": [_VIEW, _DELETE]}


def grant_permissions(apps, schema_editor):
    for group, permissions in PERMISSIONS.items():
        grant(apps, group, permissions)


def withdraw_permissions(apps, schema_editor):
    for group, permissions in PERMISSIONS.items():
        withdraw(apps, group, permissions)


class Migration(migrations.Migration):
    dependencies = [
        ("import_sessions", "0002_opened_at"),
        ("imports", "0002_groups_of_staff"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.RunPython(grant_permissions, withdraw_permissions),
    ]
