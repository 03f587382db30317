"""The groups of staff: Support and Operators view imports, their records and files, operations and webhooks.

Operators also import files, revert imports, cancel operations, send deliveries of webhooks again and download files.
"""

from django.db import migrations

from importsvc.imports.services import get_record_models


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
        group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=name)
        group.permissions.add(*[_get_permission(apps, *permission) for permission in permissions])


def remove_groups(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    for name, permissions in list_permissions().items():
        for group in Group.objects.filter(name=name):
            group.permissions.remove(*[_get_permission(apps, *permission) for permission in permissions])
            # The group may have other permissions.
            if not group.permissions.exists():
                group.delete()


def _get_permission(apps, app, model, codename, name):
    # In a new database Django creates permissions after the last migration, and then keeps these.
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(app_label=app, model=model)
    permissions = apps.get_model("auth", "Permission").objects
    return permissions.get_or_create(content_type=content_type, codename=codename, defaults={"name": name})[0]


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0001_import_and_staged_chunk"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.RunPython(add_groups, remove_groups),
    ]
