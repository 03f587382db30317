"""The search of the home page finds what a customer names, and leads to the imports that wrote it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from importsvc.imports.models import Import
from people.models import Person
from people.services import NewOrganization
from tests.admin_pages import ESCAPED, SCRIPT, log_in_staff, read, url_of
from tests.builders import make_organization, make_person
from tests.imports.steps import import_rows

pytestmark = pytest.mark.django_db

HOME = "/admin/"
QUERIES = 13
ROWS = {"person": [{"first_name": "Ann", "email": "ann@acme.test"}]}


def find(client: Client, term: str) -> list[tuple[str, list[dict[str, Any]]]]:
    """What is found, group by group: of each record its name and the texts and URLs of its links."""
    response = client.get(HOME, {"q": term})
    assert response.status_code == 200
    return [
        (group.title, [{record.name: record.url, **dict(record.links)} for record in group.records])
        for group in response.context.get("found", ())
    ]


def list_of(model: type[Any], organization_id: int) -> str:
    return f"{url_of(model, 'changelist')}?organization__id__exact={organization_id}"


def test_an_organization_leads_to_its_imports_and_records(acme: NewOrganization, admin_client: Client) -> None:
    company, person = acme.person.company, acme.person
    assert company is not None
    pk = acme.organization.pk
    lists: dict[str, type[Any]] = {"Imports": Import, "People": Person, "Companies": type(company)}
    assert find(admin_client, "acme") == [
        (
            "Organizations",
            [{"Acme": url_of(acme.organization), **{name: list_of(model, pk) for name, model in lists.items()}}],
        ),
        ("People", [{str(person): url_of(person), "History": url_of(person, "history")}]),
        ("Companies", [{"Acme": url_of(company), "History": url_of(company, "history")}]),
    ]


def test_an_address_leads_to_the_history_of_its_person_and_to_the_imports_that_wrote_it(
    acme: NewOrganization, admin_client: Client
) -> None:
    import_ = import_rows(acme, ROWS)
    ann = Person.objects.get(email="ann@acme.test")
    url = url_of(import_)
    assert find(admin_client, " ANN@acme.test ") == [
        ("People", [{"Ann": url_of(ann), "History": url_of(ann, "history"), f"Last import: {import_.pk}": url}]),
        ("Imports", [{str(import_): url}]),
    ]
    page = read(admin_client, f"{HOME}?q=ann@acme.test")
    assert "created 1 person" in page
    assert 'class="day-chart"' not in page


def test_the_field_has_what_was_searched_for(acme: NewOrganization, admin_client: Client) -> None:
    assert re.search(r'<input type="search" name="q"[^>]* value="acme"', read(admin_client, f"{HOME}?q=acme"))
    nothing = read(admin_client, f"{HOME}?q=no+such+name")
    assert "Nothing is found for <bdi>no such name</bdi>" in nothing
    assert f'<a href="{HOME}">Back to the overview</a>' in nothing


@pytest.mark.parametrize("term", ["", " ", "\0"])
def test_an_empty_search_shows_the_overview(acme: NewOrganization, admin_client: Client, term: str) -> None:
    response = admin_client.get(HOME, {"q": term})
    assert "found" not in response.context
    assert response.context["shows_imports"]


def test_only_what_the_user_may_view_is_found_and_linked(acme: NewOrganization, client: Client) -> None:
    import_rows(acme, ROWS)
    person = log_in_staff(codename="view_person")
    assert find(person, "ann@acme.test") == [
        (
            "People",
            [{"Ann": url_of(ann := Person.objects.get(first_name="Ann")), "History": url_of(ann, "history")}],
        )
    ]
    User.objects.get(username="staff").user_permissions.set(Permission.objects.filter(codename="view_apitoken"))
    assert 'role="search"' not in read(person, f"{HOME}?q=ann")
    assert client.get(HOME, {"q": "ann"}).status_code == 302


def test_the_number_of_queries_does_not_grow_with_what_is_found(
    acme: NewOrganization, admin_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    import_rows(acme, ROWS)
    # 1. the session, 2. its user, 3. organizations, 4. people, 5. their last imports, 6. companies, 7. and theirs,
    # imports: 8. all creators, 9. those found, 10. and 11. companies and people with this match key, 12. the imports
    # that wrote them, 13. themselves
    for start in (0, 8):
        with django_assert_num_queries(QUERIES) as queries:
            admin_client.get(HOME, {"q": "acme"})
        assert "imports_stagedchunk" not in " ".join(each["sql"] for each in queries.captured_queries[:-1])
        for number in range(start, start + 8):
            make_person(organization=acme.organization, first_name="Acme", email=f"acme{number}@acme.test")
            import_rows(acme, {"person": [{"first_name": "Acme", "email": f"more{number}@acme.test"}]})


def test_markup_is_escaped(admin_client: Client) -> None:
    make_organization(name=SCRIPT, email="evil@evil.test", first_name=SCRIPT)
    page = read(admin_client, f"{HOME}?q=script")
    assert ESCAPED in page
    assert SCRIPT not in page
