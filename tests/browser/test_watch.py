"""The watch sees what a page must not do: without it, the other tests of the browser would prove nothing."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.browser.conftest import Watch


def test_the_watch_reports_every_forbidden_action_of_a_page(page: Page, watch: Watch) -> None:
    page.goto("/admin/login/")
    assert watch.found == []
    # No server listens at this address, and the request never leaves the browser.
    elsewhere = "http://127.0.0.1:9/"
    page.evaluate("elsewhere => fetch(elsewhere).catch(() => null)", elsewhere)
    assert any("violates the following Content Security Policy" in found for found in watch.found)
    page.goto("data:text/html,a page without a policy")
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
