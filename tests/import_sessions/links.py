"""Links to the wizard, asked for as an integrator's back end asks for them."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from tests.client import ApiClient, document_of

APP = "https://app.example.com"


def ask(api: ApiClient, *, person: Any = "caller", **attributes: Any) -> HttpResponse:
    """The response to the request for a link, for the token's person unless ``person`` is another one or ``None``."""
    named = api.caller.person if person == "caller" else person
    linkage = {"data": {"type": "people", "id": str(named.pk)} if named else None}
    data = {"type": "import_sessions", "attributes": attributes, "relationships": {"person": linkage}}
    return api.send("POST", "import_sessions", {"data": data})


def make_link(api: ApiClient, **more: Any) -> str:
    """The URL of a new link."""
    response = ask(api, **more)
    assert response.status_code == 201, response.content
    return str(document_of(response)["data"]["attributes"]["url"])
