"""Every POST of the admin needs a CSRF token, a member of staff and the permission for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from importsvc.imports.models import Import
from people.models import ApiToken
from people.services import NewOrganization
from tests.admin_pages import log_in_staff, url_of
from tests.builders import (
    PUBLISHED_ROWS,
    make_endpoint,
    make_import_file,
    make_import_model,
    make_import_session,
    make_operation,
)
from tests.imports.steps import import_rows
from tests.snapshots import take_snapshot

# Tables that a request itself writes.
NOT_DATA = ("django_session",)

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


@pytest.fixture
def records(acme: NewOrganization) -> dict[type[Model], Model]:
    """A record of each model that has pages."""
    make_endpoint(organization=acme.organization)
    make_operation(creator=acme.person)
    make_import_file(creator=acme.person)
    make_import_model(organization=acme.organization)
    make_import_session(person=acme.person)
    import_rows(acme, PUBLISHED_ROWS)
    User.objects.create_user("somebody", is_staff=True)
    Group.objects.get_or_create(name="Support")
    return {model: model._default_manager.order_by("-pk")[0] for model in MODELS}


def posts(records: dict[type[Model], Model]) -> Iterator[tuple[str, dict[str, Any]]]:
    """URLs of POST requests with data that would change something."""
    for model, record in records.items():
        options = model._meta
        changelist = reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
        for action in admin.site._registry[model].actions or ():
            name = action if isinstance(action, str) else action.__name__
            yield changelist, {"action": name, ACTION_CHECKBOX_NAME: record.pk, "confirmed": "yes"}
        yield changelist, {"action": "delete_selected", ACTION_CHECKBOX_NAME: record.pk, "post": "yes"}
        yield url_of(model, "add"), {"name": "x"}
        yield url_of(record), {"name": "x", "_save": "Save"}
        yield url_of(record, "delete"), {"post": "yes"}
    import_ = records[Import]
    yield url_of(import_, "revert"), {"on_conflict": "discard", f"tag_{import_.pk}": "*", "confirmed": "yes"}
    yield reverse("admin:auth_user_password_change", args=[records[User].pk]), {"password1": "x", "password2": "x"}


def test_a_post_without_a_csrf_token_is_refused(records: dict[type[Model], Model]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("root"))
    before = take_snapshot(without=NOT_DATA)

    refused = {url: client.post(url, data).status_code for url, data in posts(records)}

    assert set(refused.values()) == {403}, refused
    assert client.post(reverse("admin:logout")).status_code == 403
    assert client.post(reverse("admin:login"), {"username": "root"}).status_code == 403
    assert take_snapshot(without=NOT_DATA) == before


def test_an_anonymous_user_is_asked_to_log_in(records: dict[type[Model], Model]) -> None:
    before = take_snapshot(without=NOT_DATA)

    for url, data in posts(records):
        response: Any = Client().post(url, data)
        assert (response.status_code, response.url.partition("?")[0]) == (302, reverse("admin:login"))

    assert take_snapshot(without=NOT_DATA) == before


def test_an_api_token_gives_no_access_to_the_admin(records: dict[type[Model], Model], acme: NewOrganization) -> None:
    assert ApiToken.objects.exists()
    headers = {"X-Auth-Token": acme.token, "X-Organization-Id": str(acme.organization.pk)}
    before = take_snapshot(without=NOT_DATA)

    for url, data in posts(records):
        assert Client(headers=headers).post(url, data).status_code == 302

    assert take_snapshot(without=NOT_DATA) == before


def test_staff_without_permissions_are_refused(records: dict[type[Model], Model]) -> None:
    client = log_in_staff(codename="none")
    before = take_snapshot(without=NOT_DATA)

    refused = {url: client.post(url, data).status_code for url, data in posts(records)}

    assert set(refused.values()) == {403}, refused
    assert take_snapshot(without=NOT_DATA) == before


def test_staff_with_permission_to_view_everything_change_nothing(records: dict[type[Model], Model]) -> None:
    client = log_in_staff(codename__startswith="view_")
    before = take_snapshot(without=NOT_DATA)

    for url, data in posts(records):
        # A POST to a list is answered with the list, which may be viewed.
        assert client.post(url, data).status_code in ((200, 302) if "action" in data else (403,)), url

    assert take_snapshot(without=NOT_DATA) == before


def test_a_superuser_cannot_edit_imports_or_their_change_log(records: dict[type[Model], Model]) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    before = take_snapshot(without=NOT_DATA)

    import_ = records[Import]
    for url, data in posts({Import: import_, User: records[User]}):
        if url.startswith("/admin/imports/") and "on_conflict" not in data and data.get("action") != "revert_selected":
            assert client.post(url, data).status_code in (302, 403)

    assert take_snapshot(without=NOT_DATA) == before
