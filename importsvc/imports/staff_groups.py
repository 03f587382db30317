"""Permissions of the staff groups: for migrations, and for records of types that are installed later."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from django.contrib.auth import get_permission_codename
from django.contrib.auth.models import Group, Permission
from django.db import connections
from django.db.models import Q, QuerySet

from importsvc.imports.services import get_record_models

GROUPS = ("Support", "Operators")


class PermissionKey(NamedTuple):
    """A permission for a model, and its name in case that it does not exist yet."""

    app_label: str
    model: str
    codename: str
    name: str


def get_or_create_permission(apps: Any, key: PermissionKey) -> Any:
    """A permission, for a migration with these ``apps``.

    In a new database Django creates permissions after the last migration, and then keeps these.
    """
    content_types = apps.get_model("contenttypes", "ContentType").objects
    content_type, _ = content_types.get_or_create(app_label=key.app_label, model=key.model)
    permissions = apps.get_model("auth", "Permission").objects
    return permissions.get_or_create(content_type=content_type, codename=key.codename, defaults={"name": key.name})[0]


def grant(apps: Any, group: str, keys: Iterable[PermissionKey]) -> None:
    """Grant permissions to a group, in a migration; do nothing if an administrator has deleted the group."""
    for found in apps.get_model("auth", "Group").objects.filter(name=group):
        found.permissions.add(*[get_or_create_permission(apps, key) for key in keys])


def withdraw(apps: Any, group: str, keys: Iterable[PermissionKey]) -> None:
    """Take permissions from a group, in a migration."""
    for found in apps.get_model("auth", "Group").objects.filter(name=group):
        found.permissions.remove(*[get_or_create_permission(apps, key) for key in keys])


def read_view_permissions(*, using: str) -> set[int]:
    """The ids of the permissions to view records of importable types that the database has."""
    if not _has_tables(using):
        return set()
    return set(_select_view_permissions(using).values_list("pk", flat=True))


def grant_new_view_permissions(*, known: set[int], using: str) -> None:
    """Grant the groups the permissions to view records of importable types that are not ``known``.

    Known permissions are not granted again: an administrator may have removed them.
    """
    if _has_tables(using):
        new = _select_view_permissions(using).exclude(pk__in=known)
        for group in Group.objects.using(using).filter(name__in=GROUPS):
            group.permissions.add(*new)


def _select_view_permissions(using: str) -> QuerySet[Permission]:
    condition = Q(pk__in=[])
    for model in get_record_models():
        options = model._meta
        codename = get_permission_codename("view", options)
        condition |= Q(codename=codename, content_type__app_label=options.app_label)
    return Permission.objects.using(using).filter(condition)


def _has_tables(using: str) -> bool:
    tables = {model._meta.db_table for model in (Permission, Group, Group.permissions.through)}
    return tables <= set(connections[using].introspection.table_names())
