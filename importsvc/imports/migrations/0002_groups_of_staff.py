"""The groups of staff: Support looks at data, Operators also revert imports."""

from django.db import migrations

VIEWED = [("imports", "import"), ("people", "person"), ("companies", "company"), ("organizations", "organization")]
VIEWS = [(app, model, f"view_{model}", f"Can view {model}") for app, model in VIEWED]
GROUPS = {
    "Support": VIEWS,
    "Operators": [*VIEWS, ("imports", "import", "revert_import", "Can revert import")],
}


def add_groups(apps, schema_editor):
    for name, permissions in GROUPS.items():
        group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=name)
        group.permissions.add(*[_get_permission(apps, *permission) for permission in permissions])


def remove_groups(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    for name, permissions in GROUPS.items():
        for group in Group.objects.filter(name=name):
            group.permissions.remove(*[_get_permission(apps, *permission) for permission in permissions])
            # The group may have got other permissions since.
            if not group.permissions.exists():
                group.delete()


def _get_permission(apps, app, model, codename, name):
    # In a new database Django adds permissions only after the last migration, and then finds these.
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(app_label=app, model=model)
    permissions = apps.get_model("auth", "Permission").objects
    return permissions.get_or_create(content_type=content_type, codename=codename, defaults={"name": name})[0]


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0001_imports"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.RunPython(add_groups, remove_groups),
    ]
