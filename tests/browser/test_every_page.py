"""Every page of the admin, and the pages beside it, can be read and used in any theme, at any width, and by keyboard.

Each page is loaded once and looked at in all of these ways.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client, RequestFactory
from django.urls import reverse
from playwright.sync_api import Page, Route, ViewportSize

from importsvc.error_pages import show_error
from importsvc.files.services import create_import_file
from importsvc.imports.models import Import
from importsvc.operations.models import Kind
from importsvc.spool import SpooledFile
from people.models import Person
from people.services import NewOrganization
from tests.admin_pages import save, url_of
from tests.browser.conftest import LogIn
from tests.browser.keyboard import walk
from tests.browser.looks import PHONE, WIDE, find_overflow, find_violations, show
from tests.builders import (
    make_company,
    make_delivery,
    make_endpoint,
    make_import_model,
    make_operation,
    make_organization,
    make_person,
    make_refusal,
)
from tests.imports.steps import import_rows, revert, stage

# So high that nothing scrolls, and the order of the places can be compared.
HIGH: ViewportSize = {"width": 1280, "height": 6000}
# The same as 1280 pixels at 200 % zoom.
ZOOMED: ViewportSize = {"width": 640, "height": 400}
# After a right-to-left override the rest of an element is shown backwards; this is the end of all names.
OVERRIDE, END = "\u202e", "drawkcab"
MARKUP = "\"'></td></script><script>alert(1)</script><img class=injected src=x onerror=alert(2)>{{ 7*7 }}"
NAME = f"{MARKUP} \N{FOX FACE} {OVERRIDE}{END}"
LONG = "x" * 10_000
LONG_NAME = "y" * 255

# The elements with a text that turns around something else than itself.
FIND_TURNED = """([override, end]) => {
    const isolates = ["isolate", "isolate-override", "plaintext"];
    const findIsolate = (node) => {
        let element = node.parentElement;
        while (element && !isolates.includes(getComputedStyle(element).unicodeBidi)) {
            element = element.parentElement;
        }
        return element;
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const texts = new Map();
    while (walker.nextNode()) {
        if (!walker.currentNode.parentElement.closest("script, style, option, textarea")) {
            const element = findIsolate(walker.currentNode);
            texts.set(element, (texts.get(element) ?? "") + walker.currentNode.data);
        }
    }
    return [...texts].filter(([, text]) => text.includes(override)).flatMap(([element, text]) => {
        const after = text.split(override).at(-1).trim();
        return after === end || /^[a-z]*…$/.test(after) ? [] : [`${after}: ${element?.outerHTML.slice(0, 160)}`];
    });
}"""
# The cells of a list that cannot be seen.
FIND_HIDDEN = """() => [...document.querySelectorAll("#result_list tbody td")]
    .filter((cell) => !cell.checkVisibility() || cell.getBoundingClientRect().width === 0)
    .map((cell) => cell.dataset.label ?? cell.className)"""


def examine(page: Page) -> Iterator[Any]:
    """What is wrong with the page, in all ways to look at it."""
    show(page, WIDE, is_dark=False)
    yield from find_violations(page)
    for size in (WIDE, ZOOMED, PHONE):
        show(page, size, is_dark=True)
        yield from find_overflow(page)
        yield from page.evaluate(FIND_HIDDEN)
        if size is WIDE:
            # What does not depend on the theme was looked at before.
            yield from find_violations(page, only_colors=True)
    yield from find_violations(page)
    show(page, PHONE, is_dark=False)
    yield from find_violations(page, only_colors=True)


def walk_through(page: Page) -> Iterator[str]:
    """What is wrong for users of a keyboard."""
    show(page, HIGH, is_dark=False)
    try:
        walk(page)
    except AssertionError as error:
        yield str(error)[:2000]


@pytest.fixture
def evil(live_server: object) -> NewOrganization:
    """An organization whose names are markup that turns the rest around."""
    return make_organization(name=NAME, email="evil@evil.example", first_name=NAME)


@pytest.fixture
def records(evil: NewOrganization) -> dict[str, Any]:
    """A record of each model, with imports in each state and a person that two of them wrote."""
    organization = evil.organization
    company = make_company(organization=organization, name=f"Tiles {NAME}", description=LONG)
    make_person(organization=organization, first_name=NAME, email="ann@evil.example", title=NAME, company=company)
    make_person(organization=organization, first_name="Bob", email="bob@evil.example", title="Porter")
    rows = [
        {"Email": "ann@evil.example", "Title": f"Changed {NAME}"},
        {"Email": "bob@evil.example", "Title": LONG_NAME},
        {"First Name": NAME, "Email": "new@evil.example", "Title": f"New {NAME}", "Company": f"Tiles {NAME}"},
    ]
    import_ = import_rows(
        evil, {"person": rows, "company": [{"Name": "Towers", "Description": LONG}]}, on_duplicate="update"
    )
    reverted = import_rows(evil, {"person": [{"Email": "bob@evil.example", "Last Name": "Lee"}]}, on_duplicate="update")
    refused = stage(evil, {"company": [{"Name": ""}, {"Name": NAME, "Unknown": LONG}]}, on_row_error="stage")
    make_refusal(refused)
    group = Group.objects.create(name=NAME)
    dana = User.objects.create_superuser("dana", first_name=NAME, password="correct horse battery")
    dana.groups.add(group)
    User.objects.create_user("erin", first_name=NAME)
    client = Client()
    client.force_login(dana)
    ann = Person.objects.get(email="ann@evil.example")
    assert save(client, ann, title=f"Edited {NAME}") == {}
    Person.objects.filter(email="bob@evil.example").update(title=LONG_NAME[::-1])
    revert(reverted, on_conflict="keep")
    queued = import_rows(evil, {"person": [{"First Name": NAME}]})
    make_operation(creator=evil.person, import_=queued, kind=Kind.REVERT)
    make_delivery(endpoint=make_endpoint(organization=organization))
    make_operation(creator=evil.person, import_=import_)
    make_import_model(organization=organization, name=NAME)
    content = SpooledFile()
    content.write(f"First name;Title\r\n{NAME};{LONG_NAME}\r\n".encode())
    create_import_file(organization=organization, creator=evil.person, content=content, sha256="0" * 64, name=NAME)
    return {"dana": dana, "ann": ann, "import": import_, "reverted": reverted, "refused": refused, "queued": queued}


def urls_of(records: dict[str, Any]) -> Iterator[str]:
    """The pages of the admin that stand for all of their kind, and the lists."""
    nothing = f"{url_of(Import, 'changelist')}?state=reverted&q=nothing"
    yield from (
        nothing,
        "/admin/",
        "/admin/?q=evil",
        "/admin/?q=not+found",
        "/admin/password_change/",
        "/admin/people/",
    )
    request = RequestFactory().get("/admin/")
    request.user = records["dana"]
    for model, model_admin in admin.site._registry.items():
        yield url_of(model, "changelist")
        if model_admin.has_add_permission(request):
            yield url_of(model, "add")
        record = model._default_manager.order_by("-pk").first()
        if record is not None:
            yield url_of(record)
            if model in (Person, User, Group):
                yield url_of(record, "delete")
    yield from (url_of(records["ann"], "history"), url_of(records["dana"], "history"))
    yield reverse("admin:auth_user_password_change", args=[records["dana"].pk])
    for name in ("import", "reverted", "refused"):
        yield url_of(records[name])
    yield from (f"{url_of(records['import'])}?conflicts=1#conflicts", f"{url_of(records['refused'])}#errors")
    yield f"{url_of(records['import'])}#staged"
    yield from (url_of(records[name], "revert") for name in ("import", "reverted", "queued"))


def test_every_page_of_the_admin_is_accessible_fits_the_screen_and_isolates_what_it_shows(
    page: Page, log_in: LogIn, records: dict[str, Any]
) -> None:
    log_in(records["dana"])
    found: dict[str, list[Any]] = {}
    for url in urls_of(records):
        page.set_viewport_size(WIDE)
        page.goto(url, wait_until="networkidle")
        problems = [*page.evaluate(FIND_TURNED, [OVERRIDE, END]), *page.locator(".injected").all()]
        found[url] = [*problems, *walk_through(page), *examine(page)]
    assert {url: problems for url, problems in found.items() if problems} == {}


def test_the_pages_without_a_session_are_accessible_and_fit_the_screen(page: Page, acme: NewOrganization) -> None:
    # Of the pages of errors Chromium would complain: they are shown under URLs of their own.
    refused: Any = Client().get(reverse("enter-import", args=[acme.organization.pk, "x" * 43]))
    contents = {"/refused-link/": refused.content}
    for status in (400, 403, 404, 500, 503):
        contents[f"/{status}/"] = show_error(RequestFactory().get("/"), status).content
    page.route(lambda url: urlsplit(url).path in contents, lambda route: _fulfill(route, contents))
    found: dict[str, list[Any]] = {}
    for url in ["/", "/admin/login/", *contents]:
        page.goto(url, wait_until="networkidle")
        found[url] = [*walk_through(page), *examine(page)]
    assert {url: problems for url, problems in found.items() if problems} == {}


def _fulfill(route: Route, contents: dict[str, bytes]) -> None:
    content = contents[urlsplit(route.request.url).path]
    route.fulfill(body=content, content_type="text/html; charset=utf-8")
