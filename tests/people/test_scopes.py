"""Scopes of tokens: a request needs the one of what it does."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import IntegrityError

from importsvc.imports.models import Import
from importsvc.urls import router
from people.models import ApiToken, Scope
from people.services import create_token
from tests.builders import PUBLISHED_ROWS
from tests.client import ApiClient, assert_error
from tests.snapshots import take_snapshot


def narrow(api: ApiClient, *scopes: str) -> ApiClient:
    """A client whose token has these scopes only."""
    return ApiClient(api.caller, **{"X-Auth-Token": create_token(person=api.caller.person, scopes=scopes)})


def assert_denied(api: ApiClient, request_line: str, scope: str) -> None:
    method, path = request_line.split()
    response = api.request(method, path)
    detail = f"The token does not have the scope '{scope}'"
    assert_error(response, 403, "access_denied", detail, source={"header": "X-Auth-Token"})


READS = ["imports", "imports/{0}", "imports/{0}/import", "imports/{0}/revert", "imports/{0}/changes", "people"]
READS += ["people/1", "companies", "companies/1", "organizations/1", "operations", "operations/1"]
READS += ["webhook_endpoints", "webhook_endpoints/1", "webhook_deliveries", "imports/0", "imports?banana=1"]
READS += ["import_sessions", "import_sessions/1"]
CHANGES = ["POST imports", "PATCH imports/{0}", "POST imports/{0}/import", "POST operations/1/cancel"]
CHANGES += ["POST webhook_endpoints", "PATCH webhook_endpoints/1", "POST imports/0/import"]
CHANGES += ["POST import_sessions", "DELETE import_sessions/1"]


def test_a_token_without_a_scope_is_refused_what_the_scope_is_for_and_nothing_is_done(api: ApiClient) -> None:
    import_id = api.stage(PUBLISHED_ROWS)
    reverting, importing, reading = (
        narrow(api, *(set(Scope.values) - {left_out})) for left_out in ("import", "read", "revert")
    )
    before = take_snapshot()

    for path in READS:
        assert_denied(importing, f"GET {path}".format(import_id), "read")
        assert importing.request("HEAD", path.format(import_id)).status_code == 403
    for line in CHANGES:
        assert_denied(reverting, line.format(import_id), "import")
    assert_denied(reading, f"PATCH imports/{import_id}/revert", "revert")

    assert take_snapshot() == before


def test_each_request_works_with_the_one_scope_that_it_needs(api: ApiClient) -> None:
    reading, importing, reverting = (narrow(api, scope) for scope in ("read", "import", "revert"))

    import_id = importing.stage(PUBLISHED_ROWS)
    assert importing.send_import("PATCH", f"imports/{import_id}", import_data=PUBLISHED_ROWS).status_code == 200
    assert reading.get(f"imports/{import_id}/import").status_code == 200
    assert importing.request("POST", f"imports/{import_id}/import").status_code == 200
    assert reading.get(f"imports/{import_id}/revert").status_code == 200
    assert reverting.request("PATCH", f"imports/{import_id}/revert").status_code == 200
    assert Import.objects.get().state == "reverted"


@pytest.mark.parametrize("scope", Scope.values)
def test_every_handler_of_the_api_asks_for_a_scope(api: ApiClient, scope: str) -> None:
    import_id = api.stage(PUBLISHED_ROWS)
    urls: list[Any] = router.urls
    other = narrow(api, *(set(Scope.values) - {scope}))
    named = {"pk": import_id, "record_type": "person", "row": "1"}
    handlers = [
        (
            method.upper(),
            re.sub(r"\(\?P<(\w+)>.*?\)", lambda each: named[each[1]], str(pattern.pattern))
            .strip("^$")
            .replace("\\.", "."),
            action,
        )
        for pattern in urls
        for method, action in pattern.callback.actions.items()
        if method != "head"
    ]
    needing = [
        f"{method} {path}"
        for method, path, action in handlers
        if scope == ("read" if method == "GET" else "revert" if action == "revert" else "import")
    ]

    for request_line in needing:
        assert_denied(other, request_line, scope)
    assert len(needing) >= 1
    assert len(handlers) >= 20


def test_a_method_that_does_not_exist_is_not_a_matter_of_scopes(api: ApiClient) -> None:
    reading = narrow(api, "read")

    for line in ("POST people", "DELETE imports/1", "PATCH companies/1"):
        method, path = line.split()
        assert reading.request(method, path).status_code == 405


def test_another_organization_is_denied_before_scopes(api: ApiClient) -> None:
    response = narrow(api, "read").request("POST", "imports", headers={"X-Organization-Id": "0"})

    assert_error(response, 403, "access_denied", "You are not authorized to access this resource")


def test_a_scope_is_lost_and_given_at_once(api: ApiClient) -> None:
    ApiToken.objects.update(can_read=False)
    assert_denied(api, "GET imports", "read")

    ApiToken.objects.update(can_read=True)
    assert api.get("imports").status_code == 200


def test_a_token_without_any_scope_cannot_be_stored(api: ApiClient) -> None:
    with pytest.raises(IntegrityError, match="token_has_scope"):
        create_token(person=api.caller.person, scopes=())
