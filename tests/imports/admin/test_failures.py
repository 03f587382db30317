"""An import's page says that its last run failed, why, and what to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from importsvc.imports.models import Import, ImportState
from people.services import NewOrganization
from tests.admin_pages import ESCAPED, SCRIPT, log_in_staff, read, url_of
from tests.builders import make_import, make_operation, make_refusal

pytestmark = pytest.mark.django_db

FAILED = datetime(2024, 1, 15, 9, 0, tzinfo=UTC)


def refuse_rows(import_: Import, count: int) -> None:
    """A run that was refused because of rows."""
    rows = [{"row": row, "column": "name", "messages": [f"{SCRIPT} has been taken"]} for row in range(1, count + 1)]
    error = {"code": "invalid_attribute", "detail": {"company": rows}, "attribute": "import_data", "meta": None}
    make_refusal(import_, refused_at=FAILED, errors=[error], row_error_count=count)


def find_attention(page: str) -> str:
    """The section of the page; empty if it has none."""
    _, _, section = page.partition('id="attention"')
    return section.partition("</section>")[0]


def test_the_page_shows_the_refused_run_and_its_first_errors(acme: NewOrganization, admin_client: Client) -> None:
    import_ = make_import(creator=acme.person)
    refuse_rows(import_, 7)

    section = find_attention(read(admin_client, url_of(import_)))

    assert "A run was refused 2024-01-15 09:00:00 UTC by <bdi>Ada Lovelace</bdi> (person" in section
    assert "and nothing was changed. 7 row errors." in section
    assert section.count("<li>") == 6
    assert f"<li><bdi>Company row 5: {ESCAPED} has been taken.</bdi></li>" in section
    assert "<li><bdi>2 more rows have errors.</bdi></li>" in section
    assert "Replace the rows, or change what is in the way; then run the import again." in section
    assert f'href="/import/{acme.organization.pk}/imports/{import_.pk}/preview">Preview the run</a>' in section


def test_kept_row_errors_are_to_be_corrected(acme: NewOrganization, admin_client: Client) -> None:
    import_ = make_import(creator=acme.person, on_row_error="stage", error_count=1)
    refuse_rows(import_, 1)

    section = find_attention(read(admin_client, url_of(import_)))

    assert "Correct the rows with errors, then run the import again." in section
    assert f'href="/import/{acme.organization.pk}/imports/{import_.pk}/check">Correct the rows</a>' in section


def test_staff_that_may_not_import_get_no_link(acme: NewOrganization) -> None:
    import_ = make_import(creator=acme.person)
    refuse_rows(import_, 1)

    section = find_attention(read(log_in_staff(codename="view_import"), url_of(import_)))

    assert "1 row error." in section
    assert "href" not in section


def test_the_latest_of_a_refusal_and_a_failed_operation_is_shown(acme: NewOrganization, admin_client: Client) -> None:
    import_ = make_import(creator=acme.person)
    refuse_rows(import_, 1)
    errors = [{"code": "conflict", "detail": "Not now", "attribute": None, "meta": None}]
    finished: dict[str, Any] = {"creator": acme.person, "import_": import_, "status": "failed", "errors": errors}

    make_operation(**finished, finished_at=FAILED - timedelta(hours=1))
    assert "Not now" not in find_attention(read(admin_client, url_of(import_)))

    make_operation(**finished, finished_at=FAILED + timedelta(hours=1))
    assert "<li><bdi>Not now.</bdi></li>" in find_attention(read(admin_client, url_of(import_)))


def test_what_was_run_or_replaced_since_needs_no_attention(acme: NewOrganization, admin_client: Client) -> None:
    run = make_import(creator=acme.person, state=ImportState.PROCESSED)
    replaced = make_import(creator=acme.person, staged_at=FAILED)
    for import_ in (run, replaced):
        failed_at = FAILED - timedelta(hours=1)
        make_operation(creator=acme.person, import_=import_, status="failed", finished_at=failed_at)

    assert find_attention(read(admin_client, url_of(run))) == ""
    assert find_attention(read(admin_client, url_of(replaced))) == ""
    assert find_attention(read(admin_client, url_of(make_import(creator=acme.person)))) == ""
