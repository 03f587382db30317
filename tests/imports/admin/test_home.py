"""The home page shows the state of all imports with a fixed number of queries."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from importsvc.imports.admin import home as dashboard
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services import revert_import
from people.models import Person
from people.services import NewOrganization
from tests.admin_pages import (
    SCRIPT,
    log_in_staff,
    read,
)
from tests.builders import PUBLISHED_ROWS, make_import, make_organization
from tests.imports.steps import import_rows

HOME = "/admin/"
NOW = datetime(2024, 3, 31, 12, 0, tzinfo=UTC)
COUNTS = {
    "company": {"created": 3, "updated": 0, "unchanged": 5, "skipped": 0},
    "person": {"created": 10, "updated": 4, "unchanged": 0, "skipped": 7},
}


def make_processed(creator: Person, created_at: datetime, **fields: Any) -> Import:
    return make_import(
        creator=creator, created_at=created_at, started_at=created_at, processed_at=created_at, counts=COUNTS, **fields
    )


def table(page: str, name: str) -> str:
    return page.partition(f'<table id="{name}"')[2].partition("</table>")[0]


@pytest.mark.django_db
def test_days_count_imports_and_rows_by_outcome(acme: NewOrganization) -> None:
    make_processed(acme.person, NOW)
    make_processed(acme.person, NOW, reverted_at=NOW)
    make_import(creator=acme.person, created_at=NOW)
    # An import without stored counts.
    make_import(creator=acme.person, created_at=NOW, started_at=NOW, processed_at=NOW)
    first_moment = datetime(2024, 3, 2, tzinfo=UTC)
    make_processed(acme.person, first_moment)
    make_processed(acme.person, first_moment - timedelta(microseconds=1))

    days = dashboard.count_days(now=NOW)

    assert [day.day.isoformat() for day in (days[0], days[-1])] == ["2024-03-02", "2024-03-31"]
    assert len(days) == 30
    nothing = {ImportState.PROCESSED: 0, ImportState.REVERTED: 0, ImportState.CREATED: 0}
    assert days[0].imports == {**nothing, ImportState.PROCESSED: 1}
    assert days[-1].imports == {ImportState.PROCESSED: 2, ImportState.REVERTED: 1, ImportState.CREATED: 1}
    assert days[-1].rows == {**nothing, ImportState.PROCESSED: 17, ImportState.REVERTED: 17}
    assert all(day.imports == day.rows == nothing for day in days[1:-1])


@pytest.mark.django_db
def test_only_rows_that_an_import_wrote_are_counted(acme: NewOrganization) -> None:
    import_rows(acme, PUBLISHED_ROWS)
    reverted = import_rows(acme, {"person": [{"first_name": "A"}, {"first_name": "B"}, {"first_name": "C"}]})
    revert_import(organization=acme.organization, import_id=reverted.pk)

    today = dashboard.count_days(now=timezone.now())[-1]
    assert today.rows == {ImportState.PROCESSED: 2, ImportState.REVERTED: 3, ImportState.CREATED: 0}


@pytest.mark.django_db
def test_organizations_with_most_rows_come_first_and_organizations_without_rows_are_left_out(
    acme: NewOrganization,
) -> None:
    globex, idle, former = (make_organization(name=name) for name in ("Globex", "Idle", "Former"))
    make_processed(acme.person, NOW)
    for _ in range(2):
        make_processed(globex.person, NOW)
    make_import(creator=idle.person, created_at=NOW)
    make_processed(former.person, NOW - timedelta(days=31))

    assert dashboard.find_busiest_organizations(now=NOW) == [
        {"organization": globex.organization.pk, "name": "Globex", "imports": 2, "rows": 34},
        {"organization": acme.organization.pk, "name": "Acme", "imports": 1, "rows": 17},
    ]


@pytest.mark.django_db
def test_imports_that_were_not_run_within_an_hour_are_shown_latest_first(acme: NewOrganization) -> None:
    make_import(creator=acme.person, created_at=NOW - timedelta(minutes=59))
    make_processed(acme.person, NOW - timedelta(days=1))
    waiting = [make_import(creator=acme.person, created_at=NOW - timedelta(hours=2)) for _ in range(12)]

    unfinished, count = dashboard.find_unfinished(now=NOW)

    assert count == 12
    assert [found.import_ for found in unfinished] == waiting[:1:-1]
    assert {(found.is_running, found.is_stuck, found.since) for found in unfinished} == {
        (False, False, NOW - timedelta(hours=2))
    }


@pytest.mark.one_server("locks are those of a node, which the coordinator does not know")
@pytest.mark.django_db(transaction=True)
def test_a_run_is_shown_only_while_it_is_in_progress(acme: NewOrganization) -> None:
    make_import(creator=acme.person)
    import_ = make_import(creator=acme.person)
    locked, seen = threading.Event(), threading.Event()

    def run() -> None:
        try:
            # A part of a transaction, as under an idempotency key.
            with transaction.atomic(), transaction.atomic():
                Import.objects.select_for_update(no_key=True).get(pk=import_.pk)
                locked.set()
                seen.wait(30)
        finally:
            locked.set()
            connection.close()

    runner = threading.Thread(target=run)
    runner.start()
    try:
        assert locked.wait(30)
        now = timezone.now()
        (found,), count = dashboard.find_unfinished(now=now)
        assert (found.import_, found.is_running, found.is_stuck, count) == (import_, True, False, 1)
        assert now - timedelta(seconds=30) < found.since < now
        (found,), _ = dashboard.find_unfinished(now=now + timedelta(minutes=16))
        assert found.is_stuck
    finally:
        seen.set()
        runner.join()
    assert dashboard.find_unfinished(now=timezone.now()) == ([], 0)


@pytest.mark.django_db
def test_the_page_shows_every_section(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    waiting = make_import(creator=acme.person, created_at=timezone.now() - timedelta(days=2, hours=1))

    page = read(admin_client, HOME)

    assert "1 import</p> <p>2 rows</p>" in page
    latest = table(page, "latest")
    assert latest.index(str(waiting)) < latest.index(str(import_))
    assert "created 1 company, 1 person" in latest
    assert str(waiting) in table(page, "unfinished")
    assert "2 d 1 h" in table(page, "unfinished")
    assert "Acme" in table(page, "organizations")
    assert page.count('<div class="day-chart">') == 2
    assert page.count("<li title=") == 60
    now = timezone.now()
    earlier = now - timedelta(days=2, hours=1)
    for day, said in ((now, "1 processed"), (earlier, "1 created"), (now, "2 processed"), (earlier, "none")):
        text = f"{day.day} {day:%B}: {said}"
        assert f'<li title="{text}"><span class="said">{text}</span>' in page
    for total in ("processed", "reverted", "created"):
        assert f"{total} </span>" in page


@pytest.mark.django_db
def test_the_page_says_that_there_are_no_imports(admin_client: Client) -> None:
    page = read(admin_client, HOME)
    assert "Nothing runs, and nothing waits longer than an hour." in page
    assert "No imports yet. Create one with New import or POST /api/v2/imports." in page
    assert page.count("<p>No imports in the last 30 days.</p>") == 1
    assert page.count("<p>No rows in the last 30 days.</p>") == 2


@pytest.mark.django_db
def test_the_page_costs_a_fixed_number_of_queries(
    acme: NewOrganization, admin_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(2):
        # 1. the session, 2. its user, 3. imports and rows of the days, 4. what is running, 5. that or waiting,
        # 6. the latest imports, 7. organizations with most rows, 8. what the user did last
        with django_assert_num_queries(8) as queries:
            admin_client.get(HOME)
        asked = " ".join(query["sql"] for query in queries.captured_queries)
        assert "changelog_change" not in asked
        assert "imports_stagedchunk" not in asked
        for number in range(12):
            person = make_organization(name=f"Organization{number}").person
            import_rows(NewOrganization(person.organization, person, ""), PUBLISHED_ROWS)
            make_import(creator=person, created_at=timezone.now() - timedelta(hours=2))


@pytest.mark.django_db
def test_imports_are_shown_only_with_permission_to_view_them(acme: NewOrganization) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    page = read(log_in_staff(codename="view_company"), HOME)
    assert str(import_) not in page
    assert 'class="day-chart"' not in page
    assert "/admin/companies/company/" in page


@pytest.mark.django_db
def test_markup_in_data_is_escaped(admin_client: Client) -> None:
    evil = make_organization(name=SCRIPT, email="evil@evil.test", first_name=SCRIPT)
    import_rows(evil, PUBLISHED_ROWS)
    make_import(creator=evil.person, created_at=timezone.now() - timedelta(hours=2))
    assert SCRIPT not in read(admin_client, HOME)
