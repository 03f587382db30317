"""jsonapi-client, a client in Python that takes hyphens for underscores, tells the whole story."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonapi_client import Inclusion, Modifier, Session
from jsonapi_client.exceptions import DocumentError

from tests.clients.conftest import Access
from tests.clients.story import STORY

# All use one service.
pytestmark = pytest.mark.xdist_group("clients")

SCHEMA: dict[str, Any] = {"imports": {"properties": {"import_data": {}, "sample": {}, "reverted_at": {}}}}


@pytest.fixture
def session(access: Access) -> Iterator[Session]:
    session = Session(access.url, schema=SCHEMA, request_kwargs={"headers": access.headers, "timeout": 30})
    yield session
    session.close()


def read_all_people(session: Session) -> list[str]:
    """The first names, from pages of two people."""
    session.invalidate()
    return [person["first_name"] for person in session.iterate("people", Modifier("page[size]=2"))]


def test_the_whole_story(session: Session) -> None:
    with pytest.raises(DocumentError) as refusal:
        session.create_and_commit("imports", fields={"import_data": STORY["wrong"]})
    assert refusal.value.response.json()["errors"][0]["detail"] == STORY["errors"]

    import_ = session.create_and_commit("imports", fields={"import_data": STORY["rows"]})
    import_["import_data"] = STORY["corrected"]
    import_["sample"] = True
    import_.commit()
    assert import_["sample"] is True

    run = f"{import_.url}/import"
    assert {
        name: {"created": counts["created"]} for name, counts in session.fetch_document_by_url(run).meta.counts.items()
    } == STORY["counts"]

    status, document, _ = session.http_request("post", run, {})
    assert (status, document["data"]["id"]) == (200, import_.id)
    assert read_all_people(session) == STORY["people"]

    found = session.get("people", Modifier("filter[email]=ann@globex.test") + Inclusion("company"))
    assert found.resource.company["name"] == "Globex"

    import_.refresh()
    import_.commit(custom_url=f"{import_.url}/revert")
    assert import_["reverted_at"]
    assert read_all_people(session) == ["Ada"]


def test_names_with_underscores_are_not_known_as_attributes_of_objects_and_keyword_arguments(session: Session) -> None:
    ada = session.get("people").resource
    with pytest.raises(AttributeError):
        _ = ada.first_name
    assert ada["first_name"] == "Ada"

    with pytest.raises(DocumentError) as refusal:
        session.create_and_commit("imports", import_data=STORY["rows"])

    pointers = [error["source"]["pointer"] for error in refusal.value.response.json()["errors"]]
    assert sorted(pointers) == ["data/attributes/import-data", "data/attributes/import_data"]


def test_without_a_schema_nothing_can_be_created(access: Access) -> None:
    with Session(access.url, request_kwargs={"headers": access.headers}) as session, pytest.raises(KeyError):
        session.create("imports", fields={"import_data": STORY["rows"]})
