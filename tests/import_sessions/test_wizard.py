"""The wizard by a link: from a file to its records and back, within what the session allows."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from importsvc.files.services import create_import_model
from importsvc.import_sessions.models import ImportSession
from importsvc.imports.models import Import, ImportState
from people.models import Person
from people.services import NewOrganization, create_token
from tests.builders import make_person
from tests.client import ApiClient
from tests.files.uploads import PEOPLE_1252
from tests.import_sessions.links import APP, make_link
from tests.wizard.walking import Walk

EXPIRED = "This link has expired. Ask for a new one where it came from."


def follow(api: ApiClient, url: str) -> Walk:
    """The pages that a browser without a session sees after it has followed a link."""
    walk = Walk(Client(), api.caller)
    return walk.go(urlsplit(url).path)


def expire() -> None:
    at = timezone.now()
    ImportSession.objects.update(created_at=at - timedelta(minutes=1), expires_at=at)


def import_people(walk: Walk) -> Walk:
    walk.upload(PEOPLE_1252, name="people.csv").send("Continue to the columns", next="1").send("Check the rows")
    return walk.go(f"imports/{walk.import_.pk}/preview").send("Import 2 people")


def test_a_file_is_imported_and_reverted_in_the_name_of_the_links_person(api: ApiClient) -> None:
    grace = make_person(organization=api.caller.organization, first_name="Grace", last_name="Hopper")

    walk = import_people(follow(api, make_link(api, person=grace)))

    actor = {"kind": "person", "name": "Grace Hopper", "id": grace.pk}
    assert "is processed" in walk.text
    assert (walk.import_.creator_id, walk.file.creator_id, walk.import_.processed_by) == (grace.pk, grace.pk, actor)
    walk.go(f"imports/{walk.import_.pk}/?undo=1").send("Revert import")
    assert (walk.import_.state, walk.import_.reverted_by) == (ImportState.REVERTED, actor)
    assert not Person.objects.filter(email="ada@example.com").exists()


def test_a_link_of_a_token_that_may_not_revert_has_no_revert(api: ApiClient) -> None:
    token = create_token(person=api.caller.person, scopes=("read", "import"))
    walk = import_people(follow(api, make_link(ApiClient(api.caller, **{"X-Auth-Token": token}))))

    assert "Revert" not in walk.text
    assert walk.client.post(walk.at(f"imports/{walk.import_.pk}/undo"), {}).status_code == 403
    assert walk.import_.state == ImportState.PROCESSED


def test_the_pages_lead_back_and_have_the_theme_colour(api: ApiClient) -> None:
    walk = follow(api, make_link(api, return_url=f"{APP}/?a=1&b=2", theme_color="#FFCC00"))

    response = walk.client.get(walk.url)

    page, policy = response.content.decode(), response.headers["Content-Security-Policy"]
    assert f'<a href="{APP}/?a=1&amp;b=2" target="_top">Back</a>' in page
    nonce = policy.partition("'nonce-")[2].partition("'")[0]
    assert f'<style nonce="{nonce}">:root {{ --theme: #ffcc00; --on-theme: #000000 }}</style>' in page
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("color", "text"),
    [("#000000", "#ffffff"), ("#ffffff", "#000000"), ("#1d4ed8", "#ffffff"), ("#777777", "#000000")],
)
def test_text_on_the_theme_colour_can_be_read(api: ApiClient, color: str, text: str) -> None:
    assert f"--on-theme: {text} " in follow(api, make_link(api, theme_color=color)).page


def test_pages_of_a_link_do_not_lead_to_the_admin(api: ApiClient) -> None:
    walk = follow(api, make_link(api))

    assert walk.status == 200
    assert "/admin/" not in walk.page


def test_the_page_around_is_told_by_a_page_of_a_frame_only(api: ApiClient, settings: Settings) -> None:
    settings.IMPORT_FRAME_ORIGINS = [APP]
    assert "tell.js" not in import_people(follow(api, make_link(api))).page
    Person.objects.filter(email__endswith="@example.com").delete()

    walk = follow(api, make_link(api, frame_origin=APP)).go(f"imports/{Walk(Client(), api.caller).import_.pk}/")

    told = f'data-origin="{APP}" data-type="import.processed" data-import-id="{walk.import_.pk}"'
    assert told in walk.page


def test_the_mapping_of_a_link_is_that_of_its_files(api: ApiClient) -> None:
    targets = {"Vorname": "person.first_name", "Kontakt": "person.email"}
    columns = [{"headers": [header], "targets": [target]} for header, target in targets.items()]
    model = create_import_model(organization=api.caller.organization, name="German", columns=columns)
    walk = follow(api, make_link(api, import_model_id=model.pk))

    walk.upload(b"Vorname,Kontakt\nAda,ada@example.com\n").send("Continue to the columns", next="1")
    walk.send("Check the rows")

    mapped = {column["headers"][0]: column["targets"][0] for column in walk.import_.mapping["columns"]}
    assert mapped == targets


def test_a_type_that_the_link_does_not_allow_is_not_imported(api: ApiClient) -> None:
    walk = follow(api, make_link(api, record_types=["person"]))

    walk.upload(b"Company name,Due days\nReds,7\n").send("Continue to the columns", next="1")
    assert walk.status == 200
    assert 'value="company.' not in walk.page

    walk.send("Check the rows", **{"column-1": "company.name", "column-2": "company.due_days"})
    assert walk.status == 422
    assert not Import.objects.exists()


def test_an_import_of_a_type_that_the_link_does_not_allow_is_not_shown(api: ApiClient) -> None:
    import_id = api.run({"company": [{"name": "Reds"}]})
    walk = follow(api, make_link(api, record_types=["person"]))

    assert walk.go(f"imports/{import_id}/").status == 403
    assert walk.client.post(walk.at(f"imports/{import_id}/undo"), {"on_conflict": "discard"}).status_code == 403


@pytest.mark.parametrize("path", ["", "files/", "imports/1/", "imports/1/undo"])
def test_a_session_that_has_ended_says_so_on_every_page(api: ApiClient, path: str) -> None:
    walk = follow(api, make_link(api, return_url=APP))
    expire()

    for response in (walk.client.get(walk.at(path)), walk.client.post(walk.at(path), {})):
        assert response.status_code == 410
        assert EXPIRED in response.content.decode()
        assert f'href="{APP}"' in response.content.decode()


def test_a_request_in_the_background_leads_to_the_page_that_says_so(api: ApiClient) -> None:
    walk = follow(api, make_link(api))
    expire()
    page = f"http://testserver{walk.at('imports/1/check')}"

    response = walk.client.post(walk.at("imports/1/rows"), headers={"HX-Request": "true", "HX-Current-URL": page})

    assert (response.status_code, response.headers["HX-Redirect"]) == (200, walk.at("imports/1/check"))


def test_a_revoked_link_ends_where_it_was_followed(api: ApiClient) -> None:
    walk = follow(api, make_link(api))
    api.request("DELETE", f"import_sessions/{ImportSession.objects.get().pk}")

    assert walk.go("").status == 403


def test_a_link_opens_no_page_of_another_organization(api: ApiClient, globex: NewOrganization) -> None:
    walk = follow(api, make_link(api))
    cookie = walk.client.cookies["import_session"]
    other = f"/import/{globex.organization.pk}/"

    assert walk.client.get(other).headers["Location"].startswith("/admin/login/")
    # A cookie that was changed.
    walk.client.cookies["import_session"] = f"{globex.organization.pk}:{cookie.value.partition(':')[2]}"
    assert walk.client.get(other).status_code == 403


def test_staff_see_their_own_pages_after_a_link_has_ended(api: ApiClient, admin_user: User) -> None:
    walk = follow(api, make_link(api))
    walk.client.force_login(admin_user)
    assert "In the name of" not in walk.go("").text

    expire()

    assert walk.go("").url == "/import/"


def test_a_frame_without_cookies_says_what_to_do(api: ApiClient, settings: Settings) -> None:
    settings.IMPORT_FRAME_ORIGINS = [APP]

    response = Client().get(f"/import/{api.caller.organization.pk}/", headers={"Sec-Fetch-Dest": "iframe"})

    assert response.status_code == 403
    assert "Your browser may keep no cookies of pages in frames." in response.content.decode()
    assert f"frame-ancestors {APP}" in response.headers["Content-Security-Policy"]
