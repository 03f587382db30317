"""No page has code or styles of its own, but the theme colour of a link, whose nonce its policy names."""

from __future__ import annotations

import re
from itertools import chain
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.client import ApiClient
from tests.import_sessions.links import make_link
from tests.wizard.walking import Walk, choose_creator, visit_steps

pytestmark = pytest.mark.django_db

# What a policy without ``unsafe-inline`` does not run, so that a page with it would not work.
INLINE = {
    "a handler": r"<[^>]*\son\w+\s*=",
    "a style": r"<[^>]*\sstyle\s*=",
    "a URL that is code": r"(?i)(?:href|src|action)\s*=\s*[\"']?\s*javascript:",
    "a script": r"<script(?![^>]*\ssrc=)[^>]*>",
    "a style sheet": r"<style(?![^>]*\snonce=)[^>]*>",
}


@pytest.fixture(params=["staff", "link", "link with a colour"])
def client(request: pytest.FixtureRequest, api: ApiClient, admin_user: User) -> Client:
    """A browser in which staff have chosen a person, or that has followed a link."""
    client = Client()
    if request.param == "staff":
        client.force_login(admin_user)
        choose_creator(client, api.caller)
    else:
        colour = {"theme_color": "#ffcc00"} if "colour" in request.param else {}
        client.get(urlsplit(make_link(api, **colour)).path)
    return client


def test_pages_work_with_a_policy_that_runs_nothing_inline(
    client: Client, api: ApiClient, request: pytest.FixtureRequest
) -> None:
    walk = Walk(client, api.caller)
    has_colour = "colour" in request.node.callspec.params["client"]
    nonces = []
    others = {"history": walk.at(""), "missing": walk.at("imports/999/")}
    # One after the other: the pages of an import that was run lead to its result.
    for name, url in chain(visit_steps(walk, 20), others.items()):
        response = client.get(url)
        if response.streaming:
            b"".join(response)  # closes the file
            continue
        assert response.status_code == (404 if name == "missing" else 200), name
        policy = response.headers["Content-Security-Policy"]
        assert "unsafe" not in policy, name
        assert "script-src 'self';" in f"{policy};", name
        page = response.content.decode()
        assert [kind for kind, pattern in INLINE.items() if re.search(pattern, page)] == [], name
        in_policy = re.findall(r"'nonce-([^']+)'", policy)
        assert in_policy == re.findall(r'nonce="([^"]+)"', page), name
        assert len(in_policy) == (has_colour and name != "missing"), name
        nonces += in_policy
    # Another one on each page; the one that says that there is no such page has no colour.
    assert len(set(nonces)) == len(nonces)
