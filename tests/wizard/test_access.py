"""Staff with the permission enter, for one organization at a time; nothing is read of a form before."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from importsvc.files.models import ImportFile
from importsvc.imports.models import Import, ImportState
from people.models import Person
from people.services import NewOrganization
from tests.admin_pages import log_in_staff, read
from tests.builders import PUBLISHED_ROWS, make_import_file, make_operation, make_person
from tests.imports.steps import import_rows
from tests.operations.queueing import create
from tests.wizard.walking import Walk, choose_creator

pytestmark = pytest.mark.django_db


def urls_of(tenant: NewOrganization, records: NewOrganization) -> dict[str, str]:
    """The addresses below an organization, with the ids of records that ``records`` has; by method."""
    home = f"/import/{tenant.organization.pk}/"
    file = f"{home}files/{make_import_file(creator=records.person).pk}/"
    import_ = f"{home}imports/{create(records, on_row_error='skip').pk}/"
    operation = f"{home}operations/{make_operation(creator=records.person).pk}/"
    read = [file, f"{file}columns", f"{import_}check", f"{import_}discard", f"{import_}preview", import_, operation]
    read += [f"{import_}errors.csv", f"{import_}errors.xlsx"]
    written = [file, f"{file}columns", f"{operation}cancel"]
    steps = ("rows", "rows/delete", "replace", "again", "errors", "run", "undo", "discard")
    written += [f"{import_}{name}" for name in steps]
    return {**dict.fromkeys(read, "get"), **{f"{url}?": "post" for url in written}}


def test_everyone_else_is_asked_to_log_in(acme: NewOrganization) -> None:
    addresses = {"/import/": "get", f"/import/{acme.organization.pk}/": "get", **urls_of(acme, acme)}
    for url, method in addresses.items():
        response = getattr(Client(), method)(url)
        assert (response.status_code, response.url.partition("?")[0]) == (302, "/admin/login/"), url


def test_a_request_in_the_background_leads_its_page_to_the_login(acme: NewOrganization) -> None:
    page = f"http://testserver/import/{acme.organization.pk}/imports/1/check"

    response = Client().post(page, headers={"HX-Request": "true", "HX-Current-URL": page})

    assert response.status_code == 200
    assert response.headers["HX-Redirect"] == f"/admin/login/?next=/import/{acme.organization.pk}/imports/1/check"


def test_a_form_that_is_sent_after_the_session_has_ended_leads_back_to_its_page(acme: NewOrganization) -> None:
    home = f"/import/{acme.organization.pk}/imports/1/"
    for sender, page in {
        f"http://testserver{home}check?page=2": f"{home}check%3Fpage%3D2",
        "https://evil.test/": "/import/",
    }.items():
        response: Any = Client().post(f"{home}rows", headers={"Referer": sender})
        assert response.url == f"/admin/login/?next={page}"


@pytest.mark.parametrize("codename", ["none", "view_import", "revert_import"])
def test_staff_without_the_permission_are_refused(acme: NewOrganization, codename: str) -> None:
    client = log_in_staff(codename=codename)
    for url, method in {"/import/": "get", **urls_of(acme, acme)}.items():
        response = getattr(client, method)(url)
        assert response.status_code == 403, url
        assert "You may not open this page" in response.content.decode()


def test_a_second_factor_is_needed_where_it_is_required(acme: NewOrganization, walk: Walk, settings: Settings) -> None:
    settings.STAFF_SECOND_FACTOR = "required"

    response: Any = walk.client.get(walk.at(""))

    assert (response.status_code, response.url) == (302, "/admin/second-factor/")


def test_records_of_another_organization_do_not_exist(walk: Walk, globex: NewOrganization) -> None:
    for url, method in urls_of(walk.tenant, globex).items():
        response = getattr(walk.client, method)(url, {"row": "person-1"} if method == "post" else {})
        assert response.status_code == 404, url
        assert "There is no such page" in response.content.decode()
    assert Import.objects.get().state == ImportState.CREATED


def test_staff_choose_an_organization_and_one_of_its_users(
    admin_client: Client, acme: NewOrganization, globex: NewOrganization
) -> None:
    make_person(organization=acme.organization, first_name="Contact")
    locked = make_person(organization=acme.organization, first_name="Locked", is_user=True)
    Person.objects.filter(pk=locked.pk).update(deactivated_at="2026-01-01T00:00:00Z")
    home = f"/import/{acme.organization.pk}/"

    assert {"Acme", "Globex"} <= set(read(admin_client, "/import/").replace("<", ">").split(">"))
    assert "Globex" not in read(admin_client, "/import/?q=acm")
    people = read(admin_client, f"/import/?organization={acme.organization.pk}")
    assert "Ada Lovelace" in people
    assert "Contact" not in people
    assert "Locked" not in people

    asked: Any = admin_client.get(f"{home}imports/7/")
    assert (
        asked.url
        == f"/import/?organization={acme.organization.pk}&next=%2Fimport%2F{acme.organization.pk}%2Fimports%2F7%2F"
    )
    chosen = {"organization": acme.organization.pk, "person": acme.person.pk, "next": f"{home}imports/7/"}
    response: Any = admin_client.post("/import/", chosen)
    assert response.url == f"{home}imports/7/"
    for wrong in (locked.pk, globex.person.pk, "x", "9" * 30, ""):
        assert admin_client.post("/import/", {**chosen, "person": wrong}).status_code == 404
    for elsewhere in ("https://evil.test/", f"//evil.test{home}", "/admin/"):
        response = admin_client.post("/import/", {**chosen, "next": elsewhere})
        assert response.url == home


def test_a_person_that_is_locked_out_has_to_be_replaced(walk: Walk) -> None:
    Person.objects.filter(pk=walk.tenant.person.pk).update(archived_at="2026-01-01T00:00:00Z")

    walk.go("")

    assert "In whose name?" in walk.text


def test_a_form_without_its_token_changes_nothing(acme: NewOrganization, admin_user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert client.post("/import/", {"organization": acme.organization.pk}).status_code == 403
    session = client.session
    session["wizard_creators"] = {str(acme.organization.pk): acme.person.pk}
    session.save()

    for url, method in urls_of(acme, acme).items():
        if method == "post":
            assert client.post(url).status_code == 403, url
    file = SimpleUploadedFile("people.csv", b"Name\nAda\n")
    assert client.post(f"/import/{acme.organization.pk}/files/", {"file": file}).status_code == 403
    assert ImportFile.objects.count() == 1


def test_reverting_takes_the_permission_to_revert(acme: NewOrganization) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    client = log_in_staff(codename__in=["view_import", "add_import"])
    choose_creator(client, acme)
    walk = Walk(client, acme).go(f"imports/{import_.pk}/?undo=1")

    assert "Created 2" in walk.text
    assert "Revert" not in walk.text
    assert client.post(walk.at(f"imports/{import_.pk}/undo")).status_code == 403
    assert Import.objects.get().state == ImportState.PROCESSED


def test_pages_run_and_load_nothing_but_files_of_the_service(walk: Walk) -> None:
    response = walk.client.get(walk.at(""))

    assert sorted(response.headers["Content-Security-Policy"].split("; ")) == [
        "base-uri 'none'",
        "connect-src 'self'",
        "default-src 'none'",
        "font-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "img-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
    ]
    assert response.headers["X-Frame-Options"] == "DENY"
    assert "no-store" in response.headers["Cache-Control"]


def test_operators_start_an_import_from_the_admin(walk: Walk) -> None:
    assert '"/admin/imports/import/start/"' in read(walk.client, "/admin/imports/import/")
    response: Any = walk.client.get("/admin/imports/import/start/")
    assert response.url == "/import/"
    assert 'href="/import/"' in read(walk.client, "/admin/")
