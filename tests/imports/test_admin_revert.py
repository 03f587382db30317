"""Operators revert imports in the admin, after a confirmation, if they may."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from companies.models import Company
from importsvc.imports.models import Import, ImportState
from people.models import Person
from people.services import NewOrganization
from tests.admin_pages import (
    admin_user,  # noqa: F401 - who admin_client is
    import_rows,
    log_in_staff,
    messages_of,
    read,
    url_of,
)
from tests.builders import PUBLISHED_ROWS, make_import, make_person

pytestmark = pytest.mark.django_db

LIST = "/admin/imports/import/"


def test_the_button_reverts_after_a_confirmation(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    assert f'<a href="{url_of(import_, "revert")}">Revert…</a>' in read(admin_client, url_of(import_))

    confirmation = read(admin_client, url_of(import_, "revert"))
    assert f"<li>Import {import_.pk} of Acme: 1 company, 1 person</li>" in confirmation
    assert Import.objects.get().state == ImportState.PROCESSED

    response = admin_client.post(url_of(import_, "revert"), follow=True)
    assert response.redirect_chain == [(url_of(import_), 302)]
    assert messages_of(response) == [f"Import {import_.pk}: removed 1 company, 1 person"]
    assert Import.objects.get().state == ImportState.REVERTED
    assert not Person.objects.filter(first_name="John").exists()
    assert "Revert…" not in read(admin_client, url_of(import_))
    assert LogEntry.objects.get().get_change_message() == "Reverted: removed 1 company, 1 person"
    assert "Reverted: removed 1 company, 1 person" in read(admin_client, f"{LIST}{import_.pk}/history/")


def test_a_revert_that_is_refused_says_why(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    company = Company.objects.get(name="Import")
    contact = make_person(organization=acme.organization, company=company)
    conflict = f"companies/{company.pk} (row 1): referred to by people/{contact.pk}"

    confirmation = read(admin_client, url_of(import_, "revert"))
    assert f"<li>{conflict}</li>" in confirmation
    assert "Yes, revert" not in confirmation

    response = admin_client.post(url_of(import_, "revert"), follow=True)
    assert messages_of(response) == [
        f"Import {import_.pk}: refused: 1 change or reference since the import stands in the way; {conflict}"
    ]
    assert Import.objects.get().state == ImportState.PROCESSED
    assert not LogEntry.objects.exists()


def test_selected_imports_are_reverted_newest_first_after_a_confirmation(
    acme: NewOrganization, admin_client: Client
) -> None:
    first = import_rows(acme, PUBLISHED_ROWS)
    staged = make_import(creator=acme.person)
    second = import_rows(acme, {"person": [{"first_name": "A"}, {"first_name": "B"}]})
    selection = {"action": "revert_selected", "_selected_action": [first.pk, staged.pk, second.pk]}

    confirmation = admin_client.post(LIST, selection)
    assert [attempt.import_ for attempt in confirmation.context["possible"]] == [second, first]
    assert [attempt.import_ for attempt in confirmation.context["refused"]] == [staged]
    shown = confirmation.content.decode()
    assert f"Import {staged.pk}: The import is in state &#x27;created&#x27; and cannot be reverted" in shown
    assert f'name="_selected_action" value="{staged.pk}"' not in shown

    confirmed = {**selection, "confirmed": "yes", "_selected_action": [first.pk, second.pk]}
    response = admin_client.post(LIST, confirmed, follow=True)
    assert messages_of(response) == [
        f"Import {second.pk}: removed 2 people",
        f"Import {first.pk}: removed 1 company, 1 person",
    ]
    assert LogEntry.objects.count() == 2


def test_too_many_selected_imports_are_not_reverted(acme: NewOrganization, admin_client: Client) -> None:
    imports = [make_import(creator=acme.person, state=ImportState.PROCESSED) for _ in range(51)]
    selection = {"action": "revert_selected", "_selected_action": [import_.pk for import_ in imports]}
    response = admin_client.post(LIST, {**selection, "confirmed": "yes"}, follow=True)
    assert messages_of(response) == ["Revert at most 50 imports at once."]
    assert not Import.objects.exclude(reverted_at=None).exists()


def test_those_who_may_only_look_cannot_revert(acme: NewOrganization) -> None:
    staff = log_in_staff(codename__startswith="view_")
    import_ = import_rows(acme, PUBLISHED_ROWS)
    assert "Revert…" not in read(staff, url_of(import_))
    assert "revert_selected" not in read(staff, LIST)
    assert staff.get(url_of(import_, "revert")).status_code == 403
    assert staff.post(url_of(import_, "revert")).status_code == 403
    staff.post(LIST, {"action": "revert_selected", "_selected_action": [import_.pk], "confirmed": "yes"})
    assert Import.objects.get().state == ImportState.PROCESSED


def test_the_permission_to_revert_is_enough(acme: NewOrganization) -> None:
    staff = log_in_staff(codename__startswith="view_")
    import_ = import_rows(acme, PUBLISHED_ROWS)
    User.objects.get().user_permissions.add(Permission.objects.get(codename="revert_import"))
    assert "Revert…" in read(staff, url_of(import_))
    staff.post(url_of(import_, "revert"))
    assert Import.objects.get().state == ImportState.REVERTED


def test_a_forged_post_reverts_nothing(acme: NewOrganization) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_user("admin", is_staff=True, is_superuser=True))
    assert client.post(url_of(import_, "revert")).status_code == 403
    assert Import.objects.get().state == ImportState.PROCESSED

    client.get(url_of(import_, "revert"))
    token = client.cookies["csrftoken"].value
    client.post(url_of(import_, "revert"), {"csrfmiddlewaretoken": token})
    assert Import.objects.get().state == ImportState.REVERTED


def test_strangers_are_asked_to_log_in(acme: NewOrganization, client: Client) -> None:
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
