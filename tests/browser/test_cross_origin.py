"""A page of another origin calls the API from a real browser, if the operator has named its origin (CORS)."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Browser

from people.services import create_organization
from tests.builders import PUBLISHED_ROWS
from tests.service import run_service

STORY = """async ({url, headers, rows}) => {
  const send = async (method, path, options) => {
    const response = await fetch(url + path, {
      method,
      headers: { ...headers, "Content-Type": "application/vnd.api+json", ...options?.headers },
      body: options?.body && JSON.stringify(options.body),
    });
    return { response, ...(await response.json()) };
  };
  const attributes = { import_data: rows };
  const created = await send("POST", "/imports", {
    headers: { "Idempotency-Key": "one" },
    body: { data: { type: "imports", attributes } },
  });
  const path = `/imports/${created.data.id}`;
  const preview = await send("GET", `${path}/import`);
  const run = await send("POST", `${path}/import`, { headers: { "If-Match": preview.response.headers.get("ETag") } });
  const reverted = await send("PATCH", `${path}/revert`, { body: {} });
  return {
    location: created.response.headers.get("Location"),
    statuses: [created, preview, run, reverted].map(({ response }) => response.status),
  };
}"""

ASK = "async ({url, headers}) => fetch(url + '/imports', { headers }).then(String, String)"


class BlankPage(BaseHTTPRequestHandler):
    """Responds with an empty page to everything."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Write no log."""


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a server of another site, whose pages are empty."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BlankPage) as server:
        Thread(target=server.serve_forever).start()
        yield server.server_port
        server.shutdown()


def test_pages_of_an_allowed_origin_tell_the_whole_story_and_others_get_no_response(
    browser: Browser, transactional_db: None, port: int
) -> None:
    acme = create_organization(name="Acme", email="ada@acme.test")
    allowed, other = f"http://127.0.0.1:{port}", f"http://localhost:{port}"
    headers = {"X-Auth-Token": acme.token, "X-Organization-Id": str(acme.organization.pk)}
    with run_service(CORS_ALLOWED_ORIGINS=allowed, WORKERS="0") as service, browser.new_context() as context:
        page = context.new_page()
        given = {"url": f"http://127.0.0.1:{service.port}/api/v2", "headers": headers, "rows": PUBLISHED_ROWS}
        page.goto(allowed)
        told = page.evaluate(STORY, given)
        page.goto(other)
        refused = page.evaluate(ASK, given)

    assert told["statuses"] == [201, 200, 200, 200]
    assert told["location"].startswith(f"{given['url']}/imports/")
    assert refused == "TypeError: Failed to fetch"
