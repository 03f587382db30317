"""An import that creates and updates, and the expected documents of its changes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from django.http import HttpResponse

from companies.models import Company
from people.models import Person
from tests.builders import make_company, make_person
from tests.client import ApiClient, document_of

ROWS: dict[str, list[dict[str, Any]]] = {
    "company": [{"name": "Reds", "due_days": 7}, {"name": "Greens"}],
    "person": [
        {"email": "ann@acme.test", "title": "Chief", "company": "Greens"},
        {"email": "bob@acme.test", "first_name": "Bob", "company": "Blues", "custom_fields": {"x": [1, 0.5]}},
    ],
}


class Scene:
    """Two companies and a person, and an import of ``ROWS`` that updates them."""

    def __init__(self, api: ApiClient) -> None:
        organization = api.caller.organization
        self.api = api
        self.reds = make_company(organization=organization, name="Reds")
        self.blues = make_company(organization=organization, name="Blues")
        self.ann = make_person(organization=organization, email="ann@acme.test", title="Boss", company=self.reds)
        self.import_id = self.stage(ROWS)

    def stage(self, rows: Any, **attributes: Any) -> str:
        """Create an import that updates, and return its id."""
        sent = {"import_data": rows, "on_duplicate": "update", **attributes}
        response = self.api.send_import("POST", "imports", **sent)
        assert response.status_code == 201, response.content
        return str(document_of(response)["data"]["id"])

    def run(self) -> list[str]:
        """Run the import; returns the ids of its changes, in the order of ``changes``."""
        assert self.api.request("POST", f"imports/{self.import_id}/import").status_code == 200
        return [resource["id"] for resource in document_of(self.api.get(f"imports/{self.import_id}/changes"))["data"]]

    def revert(self, **attributes: Any) -> None:
        """Revert the import."""
        response = self.api.send_import("PATCH", f"imports/{self.import_id}/revert", **attributes)
        assert response.status_code == 200, response.content

    @property
    def greens(self) -> Company:
        """The company that the import creates."""
        return Company.objects.get(name="Greens")

    @property
    def bob(self) -> Person:
        """The person that the import creates."""
        return Person.objects.get(email="bob@acme.test")

    def changes(self, greens: Any, **further: Sequence[Any]) -> list[dict[str, Any]]:
        """The attributes of all changes in their order; ``further`` attributes have a value for each."""
        created_bob = {
            "email": "bob@acme.test",
            "company_id": self.blues.pk,
            "first_name": "Bob",
            "custom_fields": {"x": [1, 0.5]},
        }
        attributes: list[dict[str, Any]] = [
            _attributes(2, "created", None, {"name": "Greens", "default_currency": "USD"}),
            _attributes(1, "updated", {"due_days": None}, {"due_days": 7}),
            _attributes(2, "created", None, created_bob),
            _attributes(
                1,
                "updated",
                {"title": "Boss", "company_id": self.reds.pk},
                {"title": "Chief", "company_id": greens},
            ),
        ]
        return [
            {**each, **{name: values[at] for name, values in further.items()}} for at, each in enumerate(attributes)
        ]

    def resources(
        self, ids: Sequence[str], attributes: Sequence[dict[str, Any]], *, created: Sequence[Any]
    ) -> list[dict[str, Any]]:
        """The resource objects of all changes; ``created`` are the ids of the company and the person."""
        company, person = created
        records = [
            ("companies", company),
            ("companies", self.reds.pk),
            ("people", person),
            ("people", self.ann.pk),
        ]
        return [
            {
                "id": change_id,
                "type": "import_changes",
                "attributes": each,
                "relationships": {
                    "import": {"data": {"type": "imports", "id": self.import_id}},
                    "record": {"data": None if record_id is None else {"type": kind, "id": str(record_id)}},
                },
            }
            for change_id, each, (kind, record_id) in zip(ids, attributes, records, strict=True)
        ]

    def page(self, data: list[Any], path: str, *, count: int | None = None, **meta: Any) -> dict[str, Any]:
        """The document of the only page of a list of changes."""
        count = len(data) if count is None else count
        link = f"http://testserver/api/v2/{path}?{quote('page[number]')}=1&{quote('page[size]')}=30"
        figures = {"current_page": 1, "total_pages": -(-count // 30), "total_count": count, "page_size": 30}
        features = document_of(self.api.get("companies"))["meta"]["organization_features"]
        return {
            "data": data,
            "links": {"first": link, "last": link},
            "meta": {**figures, "max_page_size": 200, **meta, "organization_features": features},
        }


def _attributes(row: int, action: str, before: Any, after: Any) -> dict[str, Any]:
    return {"row": row, "action": action, "before": before, "after": after}


def assert_is(response: HttpResponse, expected: dict[str, Any]) -> None:
    """The response is this document with members in this order, except in ``before`` and ``after``."""
    assert response.status_code == 200, response.content
    assert document_of(response) == expected
    assert _without_values(document_of(response)) == _without_values(expected)


def _without_values(document: dict[str, Any]) -> str:
    """The text without values whose members come in the order of jsonb or of a row."""
    copy = json.loads(json.dumps(document))
    for resource in copy["data"]:
        for name in {"before", "after", "conflicts"} & resource.get("attributes", {}).keys():
            resource["attributes"][name] = None
    return json.dumps(copy)
