"""The wizard in a frame of a page of another site, by a link: from a file to its records and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, FilePayload, FrameLocator, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from importsvc.import_sessions.models import ImportSession
from importsvc.imports.models import Import, ImportState
from people.models import Person
from people.services import create_organization
from tests.browser.conftest import PATIENCE_MILLISECONDS, SIZE, Watch
from tests.client import ApiClient
from tests.files.uploads import PEOPLE_1252
from tests.import_sessions.links import make_link

EMBEDDING = """<!doctype html><title>Contacts</title><script>
  window.told = [];
  addEventListener("message", (event) => { told.push({origin: event.origin, data: event.data}); });
</script><iframe title="Import" src="%s" width="1200" height="700"></iframe>"""
BLOCKED = "chrome-error://chromewebdata/"


class EmbeddingPage(BaseHTTPRequestHandler):
    """Responds with a page that has a frame of the URL in its query."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write((EMBEDDING % urlsplit(self.path).query).encode())

    def log_message(self, *_: object) -> None:
        """Write no log."""


@contextmanager
def serve_embedding() -> Iterator[str]:
    """The origin of a server whose pages embed others: another site than the service's, which is on localhost."""
    with ThreadingHTTPServer(("127.0.0.1", 0), EmbeddingPage) as server:
        Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@pytest.fixture
def app(settings: Settings) -> Iterator[str]:
    """The origin of an integrator's pages, which may embed the wizard."""
    with serve_embedding() as origin:
        settings.IMPORT_FRAME_ORIGINS = [origin]
        yield origin


@pytest.fixture
def api(transactional_db: None) -> ApiClient:
    """A client of an integrator's back end."""
    return ApiClient(create_organization(name="Acme", email="ada@acme.test"))


@pytest.fixture
def visitor(browser: Browser, live_server: LiveServer, app: str) -> Iterator[Page]:
    """A page of a browser without a session, which loads nothing but the service's pages and those around them."""
    watch = Watch(live_server.url)
    with browser.new_context(viewport=SIZE, reduced_motion="reduce") as context:
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        watch.observe(context)
        yield context.new_page()
    errors = [each for each in watch.found if not each.startswith("request: http://127.0.0.1:")]
    assert [each for each in errors if not is_of_refusal(each)] == []


def is_of_refusal(found: str) -> bool:
    """Whether Chromium complains of a page that it was to refuse, or that says why there is no other."""
    return any(part in found for part in ("frame-ancestors", "status of 403", "status of 410", "favicon.ico"))


@pytest.fixture
def embed(visitor: Page, app: str, live_server: LiveServer) -> Callable[..., FrameLocator]:
    """Opens a page with a frame of a link, and returns the frame."""

    def embed(link: str, origin: str = app) -> FrameLocator:
        visitor.goto(f"{origin}/?{live_server.url}{urlsplit(link).path}")
        return visitor.frame_locator("iframe")

    return embed


def test_a_file_is_imported_and_reverted_in_a_frame_and_the_page_around_is_told(
    api: ApiClient, visitor: Page, embed: Callable[..., FrameLocator], app: str, live_server: LiveServer
) -> None:
    frame = embed(make_link(api, frame_origin=app, theme_color="#7c3aed", return_url=app))

    file: FilePayload = {"name": "people.csv", "mimeType": "text/csv", "buffer": PEOPLE_1252}
    frame.locator("input[type=file]").set_input_files(file)
    frame.get_by_role("button", name="Upload").click()
    frame.get_by_role("button", name="Continue to the columns").click()
    frame.get_by_role("button", name="Check the rows").click()
    frame.get_by_role("link", name="preview").first.click()
    primary = frame.get_by_role("button", name="Import 2 people")
    expect(primary).to_have_css("background-color", "rgb(124, 58, 237)")
    primary.click()
    expect(frame.get_by_role("heading", name="is processed")).to_be_visible()
    import_ = Import.objects.get()
    origin = live_server.url
    processed = {"origin": origin, "data": {"type": "import.processed", "import_id": str(import_.pk)}}
    visitor.wait_for_function("told.length")
    assert visitor.evaluate("told") == [processed]

    frame.get_by_role("link", name="Revert…").click()
    frame.get_by_role("button", name=f"Revert import {import_.pk}").click()
    expect(frame.get_by_role("heading", name="is reverted")).to_be_visible()

    reverted = {"origin": origin, "data": {"type": "import.reverted", "import_id": str(import_.pk)}}
    visitor.wait_for_function("told.at(-1).data.type === 'import.reverted'")
    assert visitor.evaluate("told")[-1] == reverted
    import_.refresh_from_db()
    assert import_.state == ImportState.REVERTED
    assert not Person.objects.filter(email="ada@example.com").exists()
    # The session is in the frame's own cookies, which the browser keeps apart for the page around.
    assert {cookie["name"] for cookie in visitor.context.cookies()} == {"import_session"}
    frame.get_by_role("link", name="Back", exact=True).click()
    visitor.wait_for_url(f"{app}/")


def test_what_a_form_says_next_is_shown_in_a_frame(
    api: ApiClient, embed: Callable[..., FrameLocator], app: str
) -> None:
    frame = embed(make_link(api, frame_origin=app))

    file: FilePayload = {"name": "notes.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7\n"}
    frame.locator("input[type=file]").set_input_files(file)
    frame.get_by_role("button", name="Upload").click()

    expect(frame.get_by_role("alert")).to_be_visible()


def test_links_that_open_nothing_say_so_in_a_frame(
    api: ApiClient, embed: Callable[..., FrameLocator], app: str
) -> None:
    link = make_link(api, frame_origin=app)
    for tampered in (f"{link[:-1]}{'a' if link[-1] != 'a' else 'b'}", link.replace("/enter/", "/enter/1")):
        expect(embed(tampered).get_by_text("This link is not valid.")).to_be_visible()

    expect(embed(link).get_by_role("heading", name="New import")).to_be_visible()
    at = timezone.now()
    ImportSession.objects.update(created_at=at - timedelta(minutes=1), expires_at=at)
    expect(embed(link).get_by_text("This link has expired.")).to_be_visible()
    revoked = make_link(api, frame_origin=app)
    assert api.request("DELETE", f"import_sessions/{ImportSession.objects.latest('id').pk}").status_code == 200
    expect(embed(revoked).get_by_text("This link is not valid.")).to_be_visible()


def test_no_other_page_embeds_a_link(
    api: ApiClient, visitor: Page, embed: Callable[..., FrameLocator], app: str
) -> None:
    # The cookie of a link that is not for frames is not kept in them.
    expect(embed(make_link(api)).get_by_text("Your browser may keep no cookies of pages in frames.")).to_be_visible()

    with serve_embedding() as other:
        embed(make_link(api, frame_origin=app), other)
        visitor.wait_for_load_state("networkidle")
        assert visitor.frames[1].url == BLOCKED
