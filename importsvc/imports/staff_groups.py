"""Grants the staff groups the permissions to view records of types that are installed later."""

from __future__ import annotations

from django.contrib.auth import get_permission_codename
from django.contrib.auth.models import Group, Permission
from django.db import connections
from django.db.models import Q, QuerySet

from importsvc.imports.services import get_record_models

GROUPS = ("Support", "Operators")


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
