"""An import's page in the admin shows everything about it, and nothing can be edited there."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from importsvc.imports.actors import Actor
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services import create_import_from_file, revert_import
from people.models import Person
from people.services import NewOrganization
from tests.admin_pages import (
    ESCAPED,
    SCRIPT,
    read,
    update_ann,
    url_of,
)
from tests.builders import PUBLISHED_ROWS, make_import, make_organization
from tests.client import ApiClient
from tests.files.uploads import upload
from tests.imports.steps import import_rows

pytestmark = pytest.mark.django_db

LIST = "/admin/imports/import/"


def fields_of(page: str) -> dict[str, str]:
    """The fields of an import's page, by label."""
    pairs = re.findall(r'<label class="block[^>]*>([^<]*)</label> </div>.*?<div class="readonly[^>]*>(.*?)</div>', page)
    return {label: re.sub("<.*?>", "", value).strip() for label, value in pairs}


def test_the_page_counts_rows_by_outcome(acme: NewOrganization, admin_client: Client) -> None:
    import_ = update_ann(acme)
    page = fields_of(read(admin_client, url_of(import_)))
    assert {name: page[name] for name in ("Existing records", "Rows with errors", "Result")} == {
        "Existing records": "Update",
        "Rows with errors": "Refuse the import",
        "Result": "created 2 people; updated 1 person; unchanged 1 person",
    }


def test_the_page_shows_the_file_and_how_many_of_its_rows_were_used(api: ApiClient, admin_client: Client) -> None:
    file = upload(api, b"Vorname;E-Mail;Notiz\r\nAda;ada@example.com;x\r\n;;only a note\r\n; ;\r\n", name="Leute.csv")
    import_ = create_import_from_file(
        organization=api.caller.organization,
        creator=api.caller.person,
        import_file_id=file.pk,
        mapping={"columns": [{"headers": ["Vorname"], "targets": ["person.first_name"]}], "ignored": ["*"]},
    )

    page = fields_of(read(admin_client, url_of(import_)))

    counts = "3 rows: 1 used, 1 blank, 1 with values in ignored columns only"
    assert (page["Import file"], page["Rows of the file"]) == ("Leute.csv", counts)


def test_the_page_of_an_import_without_a_file_shows_none(acme: NewOrganization, admin_client: Client) -> None:
    page = fields_of(read(admin_client, url_of(update_ann(acme))))

    assert (page["Import file"], page["Rows of the file"]) == ("-", "-")


def test_the_page_of_an_import_without_counts_shows_none(acme: NewOrganization, admin_client: Client) -> None:
    for state in ImportState:
        page = fields_of(read(admin_client, url_of(make_import(creator=acme.person, state=state))))
        assert page["Result"] == "-"


@pytest.mark.parametrize(("sample", "word"), [(True, "yes"), (False, "no"), (None, "–")])
def test_the_page_says_in_a_word_whether_it_is_a_sample(
    acme: NewOrganization, admin_client: Client, sample: bool | None, word: str
) -> None:
    page = fields_of(read(admin_client, url_of(make_import(creator=acme.person, sample=sample))))

    assert page["Sample"] == word


def test_markup_in_data_is_escaped(acme: NewOrganization, admin_client: Client) -> None:
    evil = make_organization(name=SCRIPT, email="evil@evil.test", first_name=SCRIPT)
    company = f"{SCRIPT} and sons"
    rows = {"company": [{"name": company}], "person": [{"first_name": SCRIPT, "title": SCRIPT, "company": company}]}
    import_ = import_rows(evil, rows)

    for page in (LIST, url_of(import_), url_of(import_, "revert")):
        content = read(admin_client, page)
        assert SCRIPT not in content
        assert ESCAPED in content


def test_imports_cannot_be_added_edited_or_deleted(acme: NewOrganization, admin_client: Client) -> None:
    import_ = make_import(creator=acme.person)
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.post(f"{LIST}add/", {}).status_code == 403
    assert admin_client.post(url_of(import_), {"sample": "on"}).status_code == 403
    assert admin_client.post(f"{LIST}{import_.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "delete_selected" not in read(admin_client, LIST)
    page = read(admin_client, url_of(import_))
    assert 'type="submit"' not in page.partition('id="import_form"')[2].partition("</form>")[0]
    assert 'name="_save"' not in page


def test_the_page_lists_past_steps_with_actor_and_time_and_the_steps_to_come(
    acme: NewOrganization, admin_client: Client
) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)

    def steps() -> list[str]:
        timeline = read(admin_client, url_of(import_)).partition('class="import-timeline"')[2].partition("</ol>")[0]
        return [" ".join(re.sub("<[^>]*>", " ", step).split()) for step in timeline.split("<li")[1:]]

    created, started, processed, reverted = steps()
    assert created.endswith("UTC by Ada Lovelace")
    assert started.endswith(f"UTC by Ada Lovelace (person {acme.person.pk})")
    assert processed.endswith("UTC")
    assert reverted == "> Reverted not yet"
    revert_import(organization=acme.organization, import_id=import_.pk, actor=Actor("staff", "admin", 1))
    assert steps()[3].endswith("UTC by staff admin removed 1 company, 1 person")
    for actor, words in (
        (Actor("operator", "root"), "operator root"),
        (Actor("operator", SCRIPT), f"operator {ESCAPED}"),
    ):
        Import.objects.filter(pk=import_.pk).update(reverted_by=actor.to_json())
        assert f"UTC by {words} removed" in steps()[3]
    Import.objects.filter(pk=import_.pk).update(reverted_by=None, processed_by=None)
    assert steps()[1].endswith("UTC")
    assert steps()[3].endswith("UTC removed 1 company, 1 person")


def test_conflicts_of_a_revert_are_shown_on_request(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    url = url_of(import_)

    def conflicts() -> str:
        return read(admin_client, f"{url}?conflicts=1").partition('id="conflicts"')[2].partition("</section>")[0]

    assert "Nothing: a revert removes 1 company, 1 person." in conflicts()
    Person.objects.filter(first_name="John").update(title=SCRIPT)
    assert f"<bdi>Contact</bdi></td> <td><bdi><mark>{ESCAPED}</mark></bdi></td>" in conflicts()
    assert 'id="conflicts"' not in read(admin_client, url)
    assert 'href="?conflicts=1#conflicts">Check for conflicts</a>' in read(admin_client, url)
    revert_import(organization=acme.organization, import_id=import_.pk, on_conflict="discard")
    assert "The import is in state &#x27;reverted&#x27; and cannot be reverted" in conflicts()
