"""What a page does that it should not is seen: without that the other tests would promise nothing."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.browser.conftest import Watch


def test_what_a_page_does_is_seen(page: Page, watch: Watch) -> None:
    page.goto("/admin/login/")
    assert watch.found == []
    # Nobody listens there, and nobody hears of it either.
    elsewhere = "http://127.0.0.1:9/"
    page.evaluate("elsewhere => fetch(elsewhere).catch(() => null)", elsewhere)
    page.evaluate("elsewhere => new Promise(done => { new WebSocket(elsewhere).onerror = done })", elsewhere)
    page.evaluate("() => { console.error('told') ; alert('asked') ; console.log('said') }")
    page.evaluate("() => new Promise(done => { setTimeout(() => { setTimeout(done); throw new Error('thrown') }) })")
    page.goto("data:text/html,nothing")
    seen = [*watch.found]
    watch.found.clear()
    for found in (
        f"request: {elsewhere}",
        "socket: ws://127.0.0.1:9/",
        "console: told",
        "error: thrown",
        "dialog: asked",
    ):
        assert found in seen
    assert not any("said" in found or "data:" in found for found in seen)
