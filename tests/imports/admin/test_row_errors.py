"""An import's page shows the errors of its staged rows."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from people.services import NewOrganization
from tests.admin_pages import ESCAPED, SCRIPT, read, url_of
from tests.imports.steps import stage

pytestmark = pytest.mark.django_db

ROWS: dict[str, list[Any]] = {
    "company": [{"name": "A", "default_currency": SCRIPT}, {"name": "B", "default_currency": SCRIPT}],
    "person": ["Ann", None, {"first_name": "", SCRIPT: 1}],
}


def test_errors_are_shown_in_groups_and_one_by_one(acme: NewOrganization, admin_client: Client) -> None:
    import_ = stage(acme, ROWS, on_row_error="stage")

    page = read(admin_client, url_of(import_))

    assert "Errors (6)" in page
    assert ESCAPED in page
    assert SCRIPT not in page
    assert page.count("Default currency is not a currency code") == 3
    assert "> 6 errors </nav>" in page
    assert '<td class="short">1</td><td>Ann</td>' in page


def test_the_errors_of_a_group_are_shown_alone(acme: NewOrganization, admin_client: Client) -> None:
    import_ = stage(acme, ROWS, on_row_error="stage")
    query = "error_type=company&error_column=default_currency&error_code=not_currency"

    page = read(admin_client, f"{url_of(import_)}?{query}")

    assert f'href="?{query.replace("&", "&amp;")}#errors">2</a>' in page
    assert '2 errors </nav> <p><a class="text-link" href="?#errors">All errors</a>' in page


def test_an_import_that_keeps_no_errors_has_no_tab_for_them(acme: NewOrganization, admin_client: Client) -> None:
    page = read(admin_client, url_of(stage(acme, {"company": [{"name": "A"}]})))

    assert "Errors (" not in page
