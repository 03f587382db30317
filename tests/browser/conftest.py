"""A real browser on a real server, and a watch that records what pages do.

Tests share a thread with the driver of the browser, which keeps an event loop running; meanwhile Django is configured
to allow queries in such a thread.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    Request,
    ViewportSize,
    WebSocket,
    expect,
    sync_playwright,
)
from pytest_django.live_server_helper import LiveServer

from people.services import NewOrganization
from tests.browser.customers import make_customers

PROGRAMS = ["chromium", "chromium-browser", "google-chrome"]
MISSING = f"tests in a browser need {' or '.join(PROGRAMS)}; on Debian: apt install chromium"
SIZE: ViewportSize = {"width": 1280, "height": 800}
# For a machine that is busy with other tests.
PATIENCE_MILLISECONDS = 60_000

LogIn = Callable[[User], None]


@dataclass
class Watch:
    """Records what pages do that they must not.

    Attributes:
        server: the only address that pages may send requests to.
        found: descriptions of everything else.
    """

    server: str
    found: list[str] = field(default_factory=list)

    def observe(self, context: BrowserContext) -> None:
        """Record what happens in the context from now on."""
        context.on("request", self._see_request)
        context.on("console", self._see_message)
        context.on("weberror", lambda error: self.found.append(f"error: {error.error}"))
        context.on("dialog", self._see_dialog)
        context.on("page", lambda page: page.on("websocket", self._see_socket))

    def _see_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.server}/", "data:", "blob:")):
            self.found.append(f"request: {request.url}")

    def _see_socket(self, socket: WebSocket) -> None:
        self.found.append(f"socket: {socket.url}")

    def _see_message(self, message: ConsoleMessage) -> None:
        # The browser only warns of mixed content that it loads.
        if message.type == "error" or "Mixed Content" in message.text:
            address = message.location["url"]
            self.found.append(f"console: {message.text}{f' ({address})' if address else ''}")

    def _see_dialog(self, dialog: Dialog) -> None:
        self.found.append(f"dialog: {dialog.message}")
        dialog.dismiss()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, without a window. Where there is none, its tests are skipped, or fail if ``REQUIRE_BROWSER`` is set."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(MISSING, pytrace=False)
        pytest.skip(MISSING)
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with sync_playwright() as playwright:
            # Root has no sandbox, and the pages are our own.
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            yield browser
            browser.close()


@pytest.fixture
def watch(live_server: LiveServer) -> Watch:
    """The watch over the pages of the test."""
    return Watch(live_server.url)


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, watch: Watch) -> Iterator[Page]:
    """A page without a session. The test fails if the watch has found something at the end."""
    with browser.new_context(base_url=live_server.url, viewport=SIZE, reduced_motion="reduce") as context:
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        watch.observe(context)
        yield context.new_page()
    assert watch.found == []


@pytest.fixture
def log_in(page: Page, live_server: LiveServer) -> LogIn:
    """Gives the browser the session of a user."""

    def log_in(user: User) -> None:
        client = Client()
        client.force_login(user)
        name = settings.SESSION_COOKIE_NAME
        page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])

    return log_in


@pytest.fixture
def customer(log_in: LogIn) -> NewOrganization:
    """An organization, and a session of staff."""
    log_in(User.objects.create_superuser("dana", first_name="Dana"))
    return make_customers()[0]
