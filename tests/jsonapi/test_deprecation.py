"""A deprecated handler says so in its responses (RFC 9745, RFC 8594) and in the description."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import RequestFactory
from rest_framework.request import Request
from rest_framework.response import Response

from importsvc.idempotency.decorator import idempotent
from importsvc.jsonapi.description import Deprecation, described
from importsvc.openapi.operations import describe_operation
from organizations.views import OrganizationScopedViewSet
from people.models import Person
from people.serializers import PersonSerializer
from people.services import NewOrganization
from tests.client import ApiClient

SINCE = Deprecation(since=datetime(2026, 7, 1, tzinfo=UTC), link="https://example.com/people")
ENDING = Deprecation(since=SINCE.since, sunset=datetime(2027, 7, 1, 12, tzinfo=UTC), link=SINCE.link)

DEPRECATION = {"Deprecation": "@1782864000", "Link": '<https://example.com/people>; rel="deprecation"'}
SUNSET = {"Sunset": "Thu, 01 Jul 2027 12:00:00 GMT"}


class OldViewSet(OrganizationScopedViewSet):
    """A read that is deprecated, a write that also has an end, and a read that is neither."""

    basename = "old"
    queryset = Person.objects.all()
    serializer_class = PersonSerializer

    @described("Read", deprecation=SINCE)
    def retrieve(self, request: Request, pk: str) -> Response:
        """A person."""
        return self.respond(self.get_record_id())

    @idempotent
    @described("Write", deprecation=ENDING)
    def partial_update(self, request: Request, pk: str) -> Response:
        """The same person."""
        return self.respond(self.get_record_id())

    @described("Read what stays")
    def stay(self, request: Request, pk: str) -> Response:
        """Likewise."""
        return self.respond(self.get_record_id())


def call(acme: NewOrganization, method: str, action: str, *, pk: object, **headers: str) -> Any:
    """A response of the view, without the middleware."""
    request = RequestFactory().generic(method, "/", headers={**ApiClient(acme).headers, **headers})
    return OldViewSet.as_view({method.lower(): action})(request, pk=str(pk))


def find_headers(response: Any) -> dict[str, str]:
    """Those about deprecation."""
    return {name: response.headers[name] for name in (*DEPRECATION, *SUNSET) if name in response.headers}


def describe(method: str, action: str) -> dict[str, Any]:
    """The operation in the description."""
    view: Any = OldViewSet(detail=True)
    view.action = action
    return describe_operation(view, method=method)


@pytest.mark.parametrize(
    ("method", "action", "headers"),
    [("GET", "retrieve", DEPRECATION), ("PATCH", "partial_update", DEPRECATION | SUNSET), ("GET", "stay", {})],
)
def test_responses_say_since_when_and_until_when(
    acme: NewOrganization, method: str, action: str, headers: dict[str, str]
) -> None:
    done = call(acme, method, action, pk=acme.person.pk)
    refused = call(acme, method, action, pk=1_000_000)

    assert (done.status_code, find_headers(done)) == (200, headers)
    assert (refused.status_code, find_headers(refused)) == (404, headers)


def test_a_stored_response_says_it_too(acme: NewOrganization) -> None:
    responses = [call(acme, "PATCH", "partial_update", pk=acme.person.pk, **{"Idempotency-Key": "a"}) for _ in range(2)]

    assert responses[1].headers["Idempotency-Replayed"] == "true"
    assert [find_headers(response) for response in responses] == [DEPRECATION | SUNSET] * 2


def test_the_description_says_it() -> None:
    deprecated, ending, stays = (
        describe("GET", "retrieve"),
        describe("PATCH", "partial_update"),
        describe("GET", "stay"),
    )

    assert deprecated["deprecated"] is ending["deprecated"] is True
    assert set(deprecated["responses"]["200"]["headers"]) == set(DEPRECATION)
    assert set(ending["responses"]["200"]["headers"]) == set(DEPRECATION | SUNSET)
    assert "deprecated" not in stays
    assert "headers" not in stays["responses"]["200"]
