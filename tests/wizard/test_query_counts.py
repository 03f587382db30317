"""Pages need the same number of queries for few rows and imports as for many."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from importsvc.imports.models import Import
from tests.builders import make_organization
from tests.wizard.walking import Walk, visit_steps

pytestmark = pytest.mark.django_db


def count_queries(walk: Walk, url: str) -> int:
    """The number of queries of a page."""
    headers = {"HX-Request": "true"} if "after=" in url else {}
    with CaptureQueriesContext(connection) as captured:
        response = walk.client.get(url, headers=headers)
        assert response.status_code == 200, url
        if response.streaming:
            b"".join(response)
    return len(captured)


def test_the_steps_need_as_many_queries_for_ten_rows_as_for_a_thousand(walk: Walk) -> None:
    # The first visit fills the cache of the content types and the like.
    few, many = ({name: count_queries(walk, url) for name, url in visit_steps(walk, count)} for count in (10, 1_000))
    assert few == many
    assert max(few.values()) <= 36


def test_the_history_and_the_choices_need_as_many_queries_for_two_as_for_two_hundred(walk: Walk) -> None:
    urls = [walk.at(""), "/import/", f"/import/?organization={walk.tenant.organization.pk}"]
    counts = []
    for count in (2, 198):
        tenant = walk.tenant
        Import.objects.bulk_create(
            Import(organization=tenant.organization, creator=tenant.person, error_count=1) for _ in range(count)
        )
        for number in range(0, count, 10):
            make_organization(name=f"Organization{count}x{number}")
        counts.append([count_queries(walk, url) for url in urls])
    assert counts[0] == counts[1]
