"""The list of imports shows the outcome of each, and can be filtered and searched."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from importsvc.imports.admin import changelist as admin_list
from importsvc.imports.admin.changelist import ImportListAdmin, describe_duration, describe_made
from importsvc.imports.models import ImportState
from people.services import NewOrganization
from tests.admin_pages import (
    read,
    url_of,
)
from tests.builders import (
    PUBLISHED_ROWS,
    make_import,
    make_operation,
    make_organization,
    make_person,
    make_refusal,
    rows_of_size,
)
from tests.imports.steps import import_rows

LIST = "/admin/imports/import/"


def ids_of(client: Client, **query: Any) -> list[int]:
    response = client.get(LIST, query)
    assert response.status_code == 200
    return [import_.pk for import_ in response.context["cl"].result_list]


def cells_of(page: str, column: str) -> list[str]:
    """The cells of a column of the list, from top to bottom."""
    return re.findall(rf'<td[^>]* data-label="{column}">(.*?)</td>', page)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 s"),
        (0.44, "0.4 s"),
        (12.4, "12 s"),
        (59.6, "1 min"),
        (185, "3 min 5 s"),
        (3600, "1 h"),
        (7805, "2 h 10 min"),
        (442_800, "5 d 3 h"),
        (86_405, "1 d"),
    ],
)
def test_durations_are_shown_in_their_two_largest_units(seconds: float, words: str) -> None:
    assert describe_duration(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (None, "–"),
        ({}, "created nothing"),
        ({"company": {"created": 0, "updated": 0, "unchanged": 3, "skipped": 1}}, "created nothing"),
        ({"person": {"created": 1}, "company": {"created": 2, "skipped": 7}}, "created 2 companies, 1 person"),
        ({"person": {"created": 3, "updated": 2, "unchanged": 9}}, "created 3 people; updated 2 people"),
        ({"gone_since": {"created": 4, "updated": 0}}, "created 4 gone_since"),
    ],
)
def test_written_records_are_counted_by_type(counts: Any, words: str) -> None:
    assert describe_made(counts) == words


@pytest.mark.django_db
def test_the_list_shows_the_records_that_each_import_wrote(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    make_import(creator=acme.person)
    page = read(admin_client, LIST)
    assert cells_of(page, "result") == ["–", "created 1 company, 1 person"]
    assert (
        f'<a class="text-link" href="/admin/people/person/{acme.person.pk}/change/"><bdi>Ada Lovelace</bdi></a>' in page
    )
    assert re.search(rf'<a href="{url_of(import_)}"[^>]*>{import_.pk}</a>', page)


@pytest.mark.django_db
def test_the_list_costs_a_fixed_number_of_queries(
    acme: NewOrganization, admin_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    import_rows(acme, PUBLISHED_ROWS)
    for shown in (1, 26):
        # 1. the session, 2. its user, 3. the number of imports, 4. the imports of the page with organization, creator
        # and the size of the staged rows
        with django_assert_num_queries(4) as queries:
            assert len(ids_of(admin_client)) == shown
        asked = " ".join(query["sql"] for query in queries.captured_queries)
        assert "changelog_change" not in asked
        assert '"rows"' not in asked
        for number in range(25):
            make_import(creator=make_organization(name=f"Organization{shown}-{number}").person)


@pytest.mark.django_db
def test_the_list_can_be_filtered_and_searched(acme: NewOrganization, admin_client: Client) -> None:
    globex = make_organization()
    created = make_import(creator=acme.person, sample=True)
    processed = make_import(creator=acme.person, state=ImportState.PROCESSED, sample=False)
    reverted = make_import(creator=globex.person, state=ImportState.REVERTED)

    assert ids_of(admin_client) == [reverted.pk, processed.pk, created.pk]
    assert ids_of(admin_client, state="created") == [created.pk]
    assert ids_of(admin_client, state="processed") == [processed.pk]
    assert ids_of(admin_client, state="reverted") == [reverted.pk]
    assert len(ids_of(admin_client, state="nonsense")) == 3
    assert ids_of(admin_client, sample__exact="1") == [created.pk]
    assert ids_of(admin_client, organization__id__exact=globex.organization.pk) == [reverted.pk]
    for term in ("hank", "boss@GLOBEX", str(reverted.pk)):
        assert ids_of(admin_client, q=term) == [reverted.pk]
    assert ids_of(admin_client, q="lovelace") == [processed.pk, created.pk]


@pytest.mark.django_db
def test_imports_that_were_not_run_because_of_errors_need_attention(
    acme: NewOrganization, admin_client: Client
) -> None:
    finished: dict[str, Any] = {"creator": acme.person, "finished_at": datetime(2024, 1, 1, tzinfo=UTC)}
    staged = make_import(creator=acme.person, error_count=2)
    corrected = make_import(creator=acme.person, error_count=0)
    failed = make_import(creator=acme.person)
    make_operation(import_=failed, status="failed", **finished)
    make_operation(import_=corrected, status="cancelled", **finished)
    run = make_import(creator=acme.person, state=ImportState.PROCESSED, error_count=1)
    make_operation(import_=run, kind="revert", status="failed", **finished)

    replaced = make_import(creator=acme.person, staged_at=datetime(2024, 1, 2, tzinfo=UTC))
    make_operation(import_=replaced, status="failed", **finished)
    refused = make_import(creator=acme.person)
    make_refusal(refused)

    assert ids_of(admin_client, state="attention") == [refused.pk, failed.pk, staged.pk]
    assert ids_of(admin_client, state="attention", q=str(failed.pk)) == [failed.pk]


@pytest.mark.django_db
def test_state_size_and_duration_are_shown(acme: NewOrganization, admin_client: Client) -> None:
    make_import(creator=acme.person, state=ImportState.PROCESSED, import_data=rows_of_size(2048), sample=False)
    page = read(admin_client, LIST)
    assert 'data-label="sample">no</td>' in page
    assert 'data-label="size">2.0 KB</td>' in page
    assert 'data-label="duration">1 min</td>' in page
    assert "processed </span>" in page


@pytest.mark.django_db
def test_the_list_is_sorted_by_size(acme: NewOrganization, admin_client: Client) -> None:
    middle, large, small = (
        make_import(creator=acme.person, import_data=rows_of_size(size)).pk for size in (40, 300, 30)
    )
    column = ImportListAdmin.list_display.index("size") + 1
    assert ids_of(admin_client, o=column) == [small, middle, large]
    assert ids_of(admin_client, o=-column) == [large, middle, small]


@pytest.mark.django_db
def test_the_list_is_filtered_by_import_model_and_by_days(acme: NewOrganization, admin_client: Client) -> None:
    days = [datetime(2024, 1, day, 23, 59, 59, 999_999, tzinfo=UTC) for day in (1, 2, 3)]
    first, second, third = (
        make_import(creator=acme.person, created_at=day, import_model_id=number).pk for number, day in enumerate(days)
    )
    assert ids_of(admin_client, import_model_id=1) == [second]
    assert ids_of(admin_client, created_at_from="2024-01-02") == [third, second]
    assert ids_of(admin_client, created_at_to="2024-01-02") == [second, first]
    assert ids_of(admin_client, created_at_from="2024-01-02", created_at_to="2024-01-02") == [second]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query",
    [
        {"created_at_from": "yesterday"},
        {"created_at_from": "2024-02-31"},
        {"created_at_to": "9999-12-31"},
        {"import_model_id": "x"},
    ],
)
def test_an_invalid_filter_value_is_ignored(acme: NewOrganization, admin_client: Client, query: dict[str, str]) -> None:
    import_ = make_import(creator=acme.person)
    assert ids_of(admin_client, **query) == [import_.pk]


@pytest.mark.django_db
def test_a_number_out_of_range_finds_no_import(acme: NewOrganization, admin_client: Client) -> None:
    make_import(creator=acme.person)
    assert ids_of(admin_client, import_model_id=str(10**30)) == []
    assert ids_of(admin_client, q=str(10**30)) == []
    assert ids_of(admin_client, q="²") == []


@pytest.mark.django_db
@pytest.mark.parametrize("known_creators", [admin_list.KNOWN_CREATORS, 1])
def test_imports_are_found_by_all_words_of_their_creators_name_and_address(
    acme: NewOrganization, admin_client: Client, monkeypatch: pytest.MonkeyPatch, known_creators: int
) -> None:
    monkeypatch.setattr(admin_list, "KNOWN_CREATORS", known_creators)
    make_person(organization=acme.organization, first_name="Ada", last_name="Idle", email="idle@acme.test")
    import_ = make_import(creator=acme.person).pk
    make_import(creator=make_organization().person)
    for term in ("ada", "LOVELACE", "Ada Lovelace", "lovelace ada", "ada acme.test", f" {import_} "):
        assert ids_of(admin_client, q=term) == [import_]
    for term in ("idle", "ada globex", "%"):
        assert ids_of(admin_client, q=term) == []


@pytest.mark.django_db
def test_a_search_that_finds_many_creators_finds_all_their_imports(
    acme: NewOrganization, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_list, "CREATORS", 1)
    people = [make_person(organization=acme.organization, first_name="Many") for _ in range(3)]
    imports = [make_import(creator=person).pk for person in people]
    assert ids_of(admin_client, q="many") == imports[::-1]
