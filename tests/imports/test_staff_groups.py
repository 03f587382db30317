"""The service has two groups of staff: Support can view, Operators can also revert."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client

from importsvc.imports.models import Import, ImportState
from people.models import ApiToken
from people.services import NewOrganization
from tests.admin_pages import confirm, read, url_of
from tests.builders import PUBLISHED_ROWS
from tests.imports.steps import import_rows

SUPPORT = {
    "imports.view_import",
    "people.view_person",
    "companies.view_company",
    "organizations.view_organization",
    "webhooks.view_webhookdelivery",
    "webhooks.view_webhookendpoint",
    "operations.view_operation",
    "files.view_importfile",
    "files.view_importmodel",
    "import_sessions.view_importsession",
}
OPERATORS = {
    *SUPPORT,
    "imports.add_import",
    "imports.revert_import",
    "webhooks.resend_webhookdelivery",
    "operations.cancel_operation",
    "files.download_importfile",
    "import_sessions.delete_importsession",
}

LIST = "/admin/imports/import/"


def permissions_of(group: str) -> set[str]:
    permissions = Permission.objects.filter(group__name=group).select_related("content_type")
    return {f"{permission.content_type.app_label}.{permission.codename}" for permission in permissions}


def log_in(group: str) -> Client:
    """A client of a member of the group without other permissions."""
    user = User.objects.create_user(group.lower(), is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.django_db
def test_the_groups_exist_after_the_migrations() -> None:
    assert permissions_of("Support") == SUPPORT
    assert permissions_of("Operators") == OPERATORS


@pytest.mark.django_db
def test_permissions_that_exist_already_are_not_created_again() -> None:
    for codename in ("view_import", "revert_import", "view_person"):
        assert Permission.objects.get(codename=codename).name == f"Can {codename.replace('_', ' ')}"


@pytest.mark.django_db(transaction=True)
def test_undoing_the_migration_removes_the_groups_but_not_permissions_added_since() -> None:
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    MigrationExecutor(connection).migrate([("imports", "0001_import_and_staged_chunk")])
    assert not Group.objects.exists()

    try:
        own = Group.objects.create(name="Support")
        own.permissions.add(Permission.objects.get(codename="view_user"))
    finally:
        MigrationExecutor(connection).migrate(latest)
    assert permissions_of("Support") == {*SUPPORT, "auth.view_user"}
    assert permissions_of("Operators") == OPERATORS

    try:
        MigrationExecutor(connection).migrate([("imports", "0001_import_and_staged_chunk")])
        assert permissions_of("Support") == {"auth.view_user"}
        assert not Group.objects.filter(name="Operators").exists()
    finally:
        MigrationExecutor(connection).migrate(latest)


@pytest.mark.django_db(transaction=True)
def test_a_group_of_an_older_database_gets_what_is_new_and_one_that_was_deleted_stays_so() -> None:
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    MigrationExecutor(connection).migrate([("imports", "0013_refusal"), ("import_sessions", "0002_opened_at")])
    try:
        Group.objects.all().delete()
        Group.objects.create(name="Operators").permissions.add(Permission.objects.get(codename="view_user"))
    finally:
        MigrationExecutor(connection).migrate(latest)

    links = {"import_sessions.view_importsession", "import_sessions.delete_importsession"}
    assert permissions_of("Operators") == {"auth.view_user", "imports.add_import", *links}
    assert not Group.objects.filter(name="Support").exists()


@pytest.mark.django_db
def test_the_groups_may_view_the_records_of_a_type_that_is_installed_later(deals: Any) -> None:
    call_command("migrate", verbosity=0)

    assert permissions_of("Support") == {*SUPPORT, "deals.view_deal"}
    assert permissions_of("Operators") == {*OPERATORS, "deals.view_deal"}


@pytest.mark.django_db
def test_a_permission_that_was_taken_from_a_group_is_not_given_back(deals: Any) -> None:
    call_command("migrate", verbosity=0)
    Group.objects.get(name="Support").permissions.remove(Permission.objects.get(codename="view_deal"))
    Group.objects.get(name="Operators").delete()

    call_command("migrate", verbosity=0)

    assert permissions_of("Support") == SUPPORT
    assert not Group.objects.filter(name="Operators").exists()


@pytest.mark.django_db
def test_support_can_view_everything_and_change_nothing(acme: NewOrganization) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    support = log_in("Support")
    for record in (import_, acme.person, acme.person.company, acme.organization):
        assert support.get(url_of(type(record), "changelist")).status_code == 200
        assert support.get(url_of(record)).status_code == 200
        assert support.post(url_of(record), {"name": "x"}).status_code == 403
        assert support.post(url_of(record, "delete"), {"post": "yes"}).status_code == 403
        assert support.get(url_of(type(record), "add")).status_code == 403
    for url in (url_of(ApiToken, "changelist"), "/admin/auth/user/", "/admin/auth/group/"):
        assert support.get(url).status_code == 403
    assert support.get(url_of(import_, "revert")).status_code == 403
    assert support.post(url_of(import_, "revert")).status_code == 403
    assert Import.objects.get().state == ImportState.PROCESSED


@pytest.mark.django_db
def test_the_sidebar_has_only_pages_that_the_user_may_view(acme: NewOrganization) -> None:
    sidebar = read(log_in("Support"), "/admin/").partition('id="nav-sidebar-apps"')[2].partition("</nav>")[0]
    shown = [
        title for title in ("Imports", "People", "Companies", "Organizations") if f"<span>{title}</span>" in sidebar
    ]
    assert shown == ["Imports", "People", "Companies", "Organizations"]
    assert "<span>Tokens</span>" not in sidebar
    assert "<span>Staff</span>" not in sidebar


@pytest.mark.django_db
def test_operators_can_revert(acme: NewOrganization) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    operator = log_in("Operators")
    confirm(operator, operator.get(url_of(import_, "revert")))
    assert Import.objects.get().state == ImportState.REVERTED
    assert operator.post(f"{LIST}{import_.pk}/delete/", {"post": "yes"}).status_code == 403
