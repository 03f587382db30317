"""Reverting imports in the admin needs a permission, and an import that exists."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from importsvc.imports.models import Import, ImportState
from people.services import NewOrganization
from tests.admin_pages import (
    confirm,
    log_in_staff,
    read,
    url_of,
)
from tests.builders import PUBLISHED_ROWS
from tests.imports.steps import import_rows

pytestmark = pytest.mark.django_db

LIST = "/admin/imports/import/"


def test_permission_to_view_is_not_enough_to_revert(acme: NewOrganization) -> None:
    staff = log_in_staff(codename__startswith="view_")
    import_ = import_rows(acme, PUBLISHED_ROWS)
    assert "Revert…" not in read(staff, url_of(import_))
    assert "revert_selected" not in read(staff, LIST)
    assert staff.get(url_of(import_, "revert")).status_code == 403
    assert staff.post(url_of(import_, "revert")).status_code == 403
    selection = {"action": "revert_selected", "_selected_action": [import_.pk]}
    staff.post(LIST, {**selection, "confirmed": "yes", "on_conflict": "keep", f"tag_{import_.pk}": "*"})
    assert Import.objects.get().state == ImportState.PROCESSED


def test_the_permission_to_revert_is_enough(acme: NewOrganization) -> None:
    staff = log_in_staff(codename__startswith="view_")
    import_ = import_rows(acme, PUBLISHED_ROWS)
    User.objects.get().user_permissions.add(Permission.objects.get(codename="revert_import"))
    assert "Revert…" in read(staff, url_of(import_))
    confirm(staff, staff.get(url_of(import_, "revert")))
    assert Import.objects.get().state == ImportState.REVERTED


def test_a_forged_post_reverts_nothing(acme: NewOrganization) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_user("admin", is_staff=True, is_superuser=True))
    assert client.post(url_of(import_, "revert")).status_code == 403
    confirmation = client.get(url_of(import_, "revert"))
    assert confirm(client, confirmation, csrfmiddlewaretoken="forged").status_code == 403
    assert Import.objects.get().state == ImportState.PROCESSED

    confirm(client, confirmation)
    assert Import.objects.get().state == ImportState.REVERTED


def test_an_anonymous_user_is_asked_to_log_in(acme: NewOrganization, client: Client) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    for url in (LIST, url_of(import_), url_of(import_, "revert")):
        for response in (client.get(url), client.post(url)):
            assert (response.status_code, response["Location"]) == (302, f"{reverse('admin:login')}?next={url}")
    assert Import.objects.get().state == ImportState.PROCESSED


def test_an_unknown_import_is_not_found(acme: NewOrganization, admin_client: Client) -> None:
    for unknown in (0, 10**30):
        assert admin_client.get(f"{LIST}{unknown}/revert/").status_code == 404
        assert admin_client.post(f"{LIST}{unknown}/revert/").status_code == 404
        assert admin_client.get(f"{LIST}{unknown}/change/").status_code == 302
