"""The pages that need no account: they load nothing from elsewhere, are accessible, and send what is filled in."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect
from pytest_django import Settings

from companies.models import Company
from importsvc.imports.models import Import, ImportState
from people.services import NewOrganization
from tests.browser.looks import find_overflow, find_violations


def authorize(page: Page, **secrets: str) -> None:
    """Fill in how requests are authenticated: by the name of each scheme in the description."""
    page.get_by_role("button", name="Authorize", exact=True).click()
    for scheme, value in secrets.items():
        form = page.locator(".auth-container form").filter(has=page.get_by_text(scheme, exact=True))
        form.get_by_role("textbox").fill(value)
        form.get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close").first.click()


def execute(page: Page, operation_id: str, *, record_id: str = "") -> Locator:
    """Try an operation as the page offers it; returns where its response is."""
    operation = page.locator(f".opblock[id$='-{operation_id}']")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    if record_id:
        operation.locator("tr[data-param-name='id'] input").fill(record_id)
    operation.get_by_role("button", name="Execute").click()
    return operation.locator(".live-responses-table .response")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_the_start_page_is_accessible_and_leads_to_the_others(
    page: Page, settings: Settings, scheme: str, width: int
) -> None:
    settings.WORKERS = 0  # there are none, and then the service is ready without
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 800})

    page.goto("/", wait_until="networkidle")

    assert (find_violations(page, at_least=16), find_overflow(page)) == ([], [])
    links = page.locator("nav a").evaluate_all("found => found.map(element => element.getAttribute('href'))")
    descriptions = ["/api/v2/openapi.json", "/api/v2/openapi.yaml"]
    assert links == ["/api/docs/", "/api/try/", *descriptions, "/admin/", "/health/ready"]
    assert [page.request.get(link).status for link in links] == [200] * len(links)


def test_the_api_can_be_read_and_searched(page: Page) -> None:
    page.goto("/api/docs/", wait_until="networkidle")

    expect(page.get_by_role("heading", name="Stage rows")).to_be_visible()
    expect(page.get_by_text("API docs by Redocly")).to_be_visible()
    expect(page.get_by_alt_text("redocly logo")).to_have_count(0)
    page.get_by_placeholder("Search").fill("rotate_secret")
    expect(page.get_by_role("search").get_by_text("Make a new secret")).to_be_visible()


def test_an_import_is_created_run_and_reverted_by_trying(page: Page, acme: NewOrganization) -> None:
    page.goto("/api/try/", wait_until="networkidle")
    authorize(page, token=acme.token, organization=str(acme.organization.pk))
    page.locator("#operations-tag-imports").click()

    created = execute(page, "imports_create")
    expect(created.locator(".response-col_status")).to_have_text(re.compile("^201"))
    import_ = Import.objects.get()
    assert f'"id": "{import_.pk}"' in (created.locator(".microlight").first.text_content() or "")
    steps = [("imports_run", ImportState.PROCESSED, 2), ("imports_revert", ImportState.REVERTED, 1)]
    for operation_id, state, companies in steps:
        response = execute(page, operation_id, record_id=str(import_.pk))
        expect(response.locator(".response-col_status")).to_have_text(re.compile("^200"))
        import_.refresh_from_db()
        assert (import_.state, Company.objects.count()) == (state, companies)


def test_the_token_is_not_kept(page: Page) -> None:
    page.goto("/api/try/", wait_until="networkidle")
    authorize(page, token="a-secret-token")

    assert page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])") == '[{},{},""]'
