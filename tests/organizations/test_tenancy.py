"""Another organization's records do not exist: not in lists, not by id, not by side effects."""

from __future__ import annotations

import pytest

from importsvc.import_sessions.models import ImportSession
from importsvc.imports.models import Import
from importsvc.webhooks.models import WebhookDelivery, WebhookEndpoint
from people.models import Person
from people.services import NewOrganization
from tests.builders import PUBLISHED_ROWS, make_delivery, make_endpoint, make_import_session
from tests.client import ApiClient, assert_error, document_of

NO_RECORD = 999_999_999
TABLES = (Import, ImportSession, WebhookEndpoint, WebhookDelivery)


@pytest.fixture
def theirs(globex: NewOrganization) -> dict[str, int]:
    """The id of a record of each type in the other organization; its import was run."""
    api = ApiClient(globex)
    import_id = api.run(PUBLISHED_ROWS)
    endpoint = make_endpoint(organization=globex.organization)
    return {
        "imports": int(import_id),
        "people": Person.objects.get(email="john@mail.com").pk,
        "companies": globex.organization.companies.get(name="Import").pk,
        "organizations": globex.organization.pk,
        "webhook_endpoints": endpoint.pk,
        "webhook_deliveries": make_delivery(endpoint=endpoint).pk,
        "import_sessions": make_import_session(person=globex.person).pk,
    }


@pytest.mark.parametrize(
    ("method", "path", "attributes"),
    [
        ("GET", "imports/{imports}", None),
        ("PATCH", "imports/{imports}", {"import_data": PUBLISHED_ROWS}),
        ("PATCH", "imports/{imports}", {"import_data": "no JSON"}),
        ("POST", "imports/{imports}/import", None),
        ("POST", "imports/{imports}/import", {"import_data": PUBLISHED_ROWS}),
        ("POST", "imports/{imports}/import", {"import_data": "no JSON"}),
        ("PATCH", "imports/{imports}/revert", None),
        ("GET", "imports/{imports}/changes", None),
        ("GET", "imports/{imports}/import", None),
        ("GET", "imports/{imports}/revert", None),
        ("GET", "people/{people}", None),
        ("GET", "companies/{companies}", None),
        ("GET", "organizations/{organizations}", None),
        ("GET", "webhook_endpoints/{webhook_endpoints}", None),
        ("DELETE", "webhook_endpoints/{webhook_endpoints}", None),
        ("POST", "webhook_endpoints/{webhook_endpoints}/rotate_secret", None),
        ("GET", "import_sessions/{import_sessions}", None),
        ("DELETE", "import_sessions/{import_sessions}", None),
        ("GET", "webhook_deliveries/{webhook_deliveries}", None),
        ("POST", "webhook_deliveries/{webhook_deliveries}/redeliver", None),
    ],
)
def test_another_organizations_record_is_the_404_of_one_that_does_not_exist(
    api: ApiClient, theirs: dict[str, int], method: str, path: str, attributes: dict[str, object] | None
) -> None:
    def ask(ids: dict[str, int]) -> tuple[int, bytes, dict[str, str]]:
        url = path.format(**ids)
        response = api.request(method, url) if attributes is None else api.send_import(method, url, **attributes)
        assert_error(response, 404, "record_not_found", "The requested record was not found")
        return response.status_code, response.content, dict(response.headers)

    before = [list(model.objects.values()) for model in TABLES]

    assert ask(theirs) == ask(dict.fromkeys(theirs, NO_RECORD))
    assert [list(model.objects.values()) for model in TABLES] == before


@pytest.mark.parametrize("path", ["imports", "people", "companies"])
def test_lists_never_show_another_organizations_records(api: ApiClient, theirs: dict[str, int], path: str) -> None:
    own = api.stage(PUBLISHED_ROWS)

    document = document_of(api.get(path))

    expected = {"imports": own, "people": str(api.caller.person.pk), "companies": str(api.caller.person.company_id)}
    assert [resource["id"] for resource in document["data"]] == [expected[path]]
    assert document["meta"]["total_count"] == 1
    organizations = {
        resource["relationships"]["organization"]["data"]["id"]
        for resource in document["data"] + document.get("included", [])
    }
    assert organizations == {api.caller.organization.pk}


@pytest.mark.parametrize(
    "path",
    [
        "people?filter[import_id]={imports}",
        "companies?filter[import_id]={imports}",
        "people?filter[id]={people}",
        "people?filter[company_id]={companies}",
        "people?filter[email]=john@mail.com",
        "companies?filter[id]={companies}",
        "companies?filter[name]=Import",
        "webhook_endpoints",
        "import_sessions",
        "import_sessions?filter[id]={import_sessions}",
        "webhook_endpoints?filter[id]={webhook_endpoints}",
        "webhook_deliveries",
        "webhook_deliveries?filter[endpoint_id]={webhook_endpoints}",
    ],
)
def test_filtering_by_values_of_another_organization_finds_nothing(
    api: ApiClient, theirs: dict[str, int], path: str
) -> None:
    response = api.get(path.format(**theirs))

    assert document_of(response)["data"] == []
    assert document_of(response)["meta"]["total_count"] == 0


def test_names_and_addresses_of_another_organization_are_neither_taken_nor_known(
    api: ApiClient, theirs: dict[str, int]
) -> None:
    api.run(PUBLISHED_ROWS)

    unknown = api.send_import("POST", "imports", import_data={"person": [{"first_name": "Ann", "company": "Globex"}]})

    detail = {"person": [{"row": 1, "column": "company", "messages": ["Company must exist"]}]}
    source = {"pointer": "data/attributes/import_data"}
    assert_error(unknown, 422, "invalid_attribute", detail, source=source)


def test_reverting_leaves_another_organizations_records_of_the_same_name(
    api: ApiClient, theirs: dict[str, int], globex: NewOrganization
) -> None:
    import_id = api.run(PUBLISHED_ROWS)

    assert api.request("PATCH", f"imports/{import_id}/revert").status_code == 200

    assert ApiClient(globex).get(f"people/{theirs['people']}").status_code == 200
    assert ApiClient(globex).get(f"companies/{theirs['companies']}").status_code == 200
