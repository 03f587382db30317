"""The page of a large import lists and searches its changes part by part, and says so."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client

from importsvc.changelog.models import Change
from importsvc.imports.admin import change_search
from importsvc.imports.admin.change_search import ROW_ORDER, ChangeList, HasText
from importsvc.imports.models import Import
from people.services import NewOrganization
from tests.admin_pages import read, url_of
from tests.engine.updates import log_one_by_one
from tests.imports.admin.test_detail_changes import found, section_of
from tests.imports.steps import import_rows

pytestmark = pytest.mark.django_db

GO_ON = "The search has not come to the end yet: there are many changes."
NAMES = ["Ann Lee", "Bob Roe", "Cid Lee", "Dan Roe", "Eve Lee"]


@pytest.fixture
def people(acme: NewOrganization) -> Import:
    rows = [dict(zip(("first_name", "last_name"), name.split(), strict=True)) for name in NAMES]
    return import_rows(acme, {"company": [{"name": f"Lee & Sons {number}"} for number in range(3)], "person": rows})


def follow(client: Client, import_: Import, section: str, link: str) -> str:
    """The section of the page that a link with this text leads to."""
    (query,) = re.findall(rf'<a class="text-link" href="([^"]*)#changes">{link}</a>', section)
    return section_of(read(client, url_of(import_) + html.unescape(query)))


def names_in(section: str) -> list[str]:
    return re.findall(r'class="name">(?:<a [^>]*>)?<bdi[^>]*>(.*?)</bdi>', section)


def test_a_search_that_takes_long_goes_on_where_it_ended(
    admin_client: Client, people: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(admin_client, people, search="lee", type="person") == ["Ann Lee", "Cid Lee", "Eve Lee"]
    log_one_by_one(people)  # a part does not end within a chunk
    monkeypatch.setattr(change_search, "PART_SIZE", 2)
    assert found(admin_client, people, search="lee", type="person") == ["Ann Lee", "Cid Lee", "Eve Lee"]
    monkeypatch.setattr(change_search, "SECONDS", -1)

    section = section_of(read(admin_client, url_of(people) + "?changes-search=lee&changes-type=person"))
    seen, parts = names_in(section), 1
    assert GO_ON in section
    while GO_ON in section:
        # Without a result the page goes on by itself.
        assert ('hx-trigger="load"' in section) == (not names_in(section))
        section = follow(admin_client, people, section, "Go on with it")
        seen += names_in(section)
        parts += 1

    assert seen == ["Ann Lee", "Cid Lee", "Eve Lee"]
    assert parts >= 3
    assert "No change is found. " in section or names_in(section)
    assert GO_ON in follow(admin_client, people, section, "From the start")


def test_a_search_that_finds_many_changes_shows_all_of_them_part_by_part(
    admin_client: Client, people: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_search, "FOUND_CHANGES", 2)
    section = section_of(read(admin_client, url_of(people) + "?changes-action=created&changes-type=person"))
    seen = names_in(section)
    assert len(seen) == 2
    while GO_ON in section:
        section = follow(admin_client, people, section, "Go on with it")
        seen += names_in(section)
    assert seen == NAMES


def test_a_place_that_is_none_begins_at_the_start(admin_client: Client, people: Import) -> None:
    for place in ("x", "-1", "1e3", "9" * 30, "\u0663"):
        section = section_of(read(admin_client, f"{url_of(people)}?changes-search=lee&changes_after={place}"))
        assert len(names_in(section)) == 6, place


def test_a_match_key_is_found_wherever_the_search_goes_on(
    acme: NewOrganization, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_ = import_rows(acme, {"person": [{"first_name": "Ann", "email": f"{name}@acme.test"} for name in "abc"]})
    monkeypatch.setattr(change_search, "PART_SIZE", 1)
    monkeypatch.setattr(change_search, "SECONDS", -1)
    section = section_of(read(admin_client, url_of(import_) + "?changes-search=C@acme.test&changes_after=999999999"))
    assert names_in(section) == ["Ann"]
    assert GO_ON not in section


@pytest.mark.parametrize("size", [1, 3, 4, 8, 20])
def test_pages_are_parts_of_the_whole_in_row_order(people: Import, size: int) -> None:
    changes = Change.objects.of_import(organization_id=people.organization_id, import_id=people.pk)
    expected = list(changes.order_by(*ROW_ORDER))
    listed = ChangeList({"person": 5, "company": 3}, organization_id=people.organization_id, import_id=people.pk)

    assert len(listed) == len(expected) == 8
    for start in range(0, 8, size):
        assert listed[start : start + size] == expected[start : start + size]


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ("100%", 1),
        ("1%0", 0),
        ("a_b", 1),
        ("axb", 0),
        ('"x"', 1),
        ("c:\\d", 1),
        ("ÉTÉ", 1),
        ("ann", 1),
        ("first_name", 0),
        ("title", 0),
        ("x\ty", 0),
    ],
)
def test_a_text_stands_for_itself_and_is_found_in_values_only(acme: NewOrganization, term: str, expected: int) -> None:
    import_ = import_rows(acme, {"person": [{"first_name": "Ann", "title": 'is 100% a_b "x" c:\\d été'}]})
    changes = Change.objects.of_import(organization_id=acme.organization.pk, import_id=import_.pk)
    assert changes.filter(HasText("after", term)).count() == expected
    assert not changes.filter(HasText("before", term)).exists()
