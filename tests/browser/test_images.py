"""The images of the documentation: every step of the wizard, and the pages of the admin; light, dark, and on a phone.

With ``SCREENSHOTS=1`` they are made anew, otherwise only taken.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, ViewportSize, expect

from importsvc.imports.models import Import
from people.models import Person
from tests.admin_pages import url_of
from tests.browser.conftest import SIZE, LogIn
from tests.browser.customers import make_customers, make_month, make_unhappy
from tests.browser.test_pages import urls_of
from tests.browser.test_wizard import FILES, visit

IMAGES = Path(__file__).parents[2] / "docs" / "images"
MOST_BYTES = 300_000
STEPS = ("file", "columns", "check", "preview", "result", "undo", "history")

# What an image's name ends with, the color scheme, and the size of the window. The last one is left for the next page.
PHONE: ViewportSize = {"width": 390, "height": 844}
LOOKS = [("-phone", "light", PHONE), ("-dark", "dark", SIZE), ("", "light", SIZE)]


def take(page: Page, path: Path, *, loads_again: bool = False) -> None:
    """Take the images of a page that is open, and loaded again if it finds out the color scheme when it is loaded."""
    page.wait_for_load_state("networkidle")
    for suffix, scheme, size in LOOKS:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.set_viewport_size(size)
        if loads_again:
            page.reload(wait_until="networkidle")
        # To the place that the address names.
        page.evaluate("document.querySelector(location.hash || 'html').scrollIntoView()")
        image = path.with_name(f"{path.name}{suffix}.png")
        page.screenshot(path=image, animations="disabled", caret="hide")
        assert 5_000 < image.stat().st_size < MOST_BYTES, image


def open_admin(page: Page, import_: Import, person: Person) -> Iterator[str]:
    """Open the pages of the admin; yields the name of each."""
    for name, url in {**urls_of(import_), "history": url_of(person, "history")}.items():
        page.goto(url, wait_until="networkidle")
        expect(page.locator("h1")).to_be_visible()
        yield name


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the images are left."""
    return IMAGES if os.environ.get("SCREENSHOTS") else tmp_path


def test_images_of_the_documentation_are_small_and_can_be_taken(
    page: Page, log_in: LogIn, folder: Path, tmp_path: Path
) -> None:
    customers = make_customers()
    path = tmp_path / "customers.csv"
    path.write_bytes(FILES["german.csv"]())
    log_in(User.objects.create_superuser("dana", first_name="Dana"))
    for name in visit(page, customers[1], path):
        if name in STEPS:
            take(page, folder / f"wizard-{name}")

    make_month(customers)
    import_, irena = make_unhappy(customers[0])
    Person.objects.filter(pk=irena.pk).update(title="Chief Buyer")
    for name in open_admin(page, import_, irena):
        take(page, folder / name, loads_again=True)

    images = sorted(folder.glob("*.png"))
    assert len({image.read_bytes() for image in images}) == len(images) == 3 * (len(STEPS) + 5)
