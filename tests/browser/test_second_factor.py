"""A device is set up in a browser, on accessible pages that load and run nothing but the service's own files."""

from __future__ import annotations

from base64 import b32decode
from typing import Any

from django.contrib.auth.models import User
from django_otp.oath import totp
from playwright.sync_api import Page, expect
from pytest_django import Settings

from tests.browser.looks import WIDE, find_violations, show_all

PASSWORD = "correct horse battery"


def find_all_violations(page: Page) -> list[Any]:
    """What axe finds in each theme."""
    return [found for _ in show_all(page, [WIDE]) for found in find_violations(page)]


def test_a_first_login_leads_to_setting_up_and_then_to_the_home_page(page: Page, settings: Settings) -> None:
    settings.STAFF_SECOND_FACTOR = "required"
    User.objects.create_superuser("dana", password=PASSWORD)

    page.goto("/admin/login/?next=/admin/", wait_until="networkidle")
    expect(page.get_by_label("Code")).to_be_visible()
    assert find_all_violations(page) == []
    page.get_by_label("Username").fill("dana")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("The other pages need a second factor.")).to_be_visible()
    expect(page.locator("main svg, form svg").first).to_be_visible()
    assert find_all_violations(page) == []

    secret = b32decode(page.locator("#secret").inner_text())
    page.get_by_label("Code").fill(f"{totp(secret):06}")
    page.get_by_role("button", name="Set up").click()

    expect(page.get_by_text("The second factor is set up.")).to_be_visible()
    assert page.url.endswith("/admin/")
