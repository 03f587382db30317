"""The groups of staff: Support and Operators view imports, their records and files, operations and webhooks.

Operators also import files, revert imports, cancel operations, send deliveries of webhooks again and download files.
"""

from django.db import migrations

from importsvc.imports.services import get_record_models
from importsvc.imports.staff_groups import PermissionKey, grant, withdraw


def list_permissions():
    """The permissions of each group, with those to view records of all installed types."""
    views = [("imports", "import", "view_import", "Can view import")]
    views += [("organizations", "organization", "view_organization", "Can view organization")]
    views.append(("webhooks", "webhookendpoint", "view_webhookendpoint", "Can view webhook endpoint"))
    views.append(("webhooks", "webhookdelivery", "view_webhookdelivery", "Can view webhook delivery"))
    views.append(("operations", "operation", "view_operation", "Can view operation"))
    views.append(("files", "importfile", "view_importfile", "Can view import file"))
    views.append(("files", "importmodel", "view_importmodel", "Can view import model"))
    for options in (model._meta for model in get_record_models()):
        name = str(options.model_name)
        views.append((options.app_label, name, f"view_{name}", f"Can view {options.verbose_name_raw}"))
    actions = [
        ("imports", "import", "add_import", "Can add import"),
        ("imports", "import", "revert_import", "Can revert import"),
        ("webhooks", "webhookdelivery", "resend_webhookdelivery", "Can resend webhook delivery"),
        ("operations", "operation", "cancel_operation", "Can cancel operation"),
        ("files", "importfile", "download_importfile", "Can download import file"),
    ]
    return {"Support": views, "Operators": [*views, *actions]}


def add_groups(apps, schema_editor):
    for name, permissions in list_permissions().items():
        apps.get_model("auth", "Group").objects.get_or_create(name=name)
        grant(apps, name, [PermissionKey(*permission) for permission in permissions])


def remove_groups(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    for name, permissions in list_permissions().items():
        withdraw(apps, name, [PermissionKey(*permission) for permission in permissions])
        # The group may have other permissions.
        Group.objects.filter(name=name, permissions=None).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0001_import_and_staged_chunk"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.RunPython(add_groups, remove_groups),
    ]
