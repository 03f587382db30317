"""Every statement on a tenant's table names the organization (docs/decisions/0016).

The test goes through every edge once, and PostgreSQL plans each statement: a scan of a tenant's table that no condition
restricts to an organization is refused, unless it is exempt here, with the reason. What COPY and INSERT write names the
organization because its column takes no null and has no default.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from companies.models import Company
from importsvc.changelog.models import CreatedChunk, SingleChange
from importsvc.files.models import ImportFile, ImportModel
from importsvc.idempotency.models import IdempotencyKey
from importsvc.imports.models import Import
from importsvc.operations.models import Kind, Operation
from importsvc.operations.selectors import find_running
from importsvc.operations.services import cancel_operation
from importsvc.operations.work import run_next
from importsvc.webhooks.events import Event
from importsvc.webhooks.models import WebhookDelivery, WebhookEndpoint
from importsvc.webhooks.posting import Network
from importsvc.webhooks.sending import send_due
from people.models import Person
from people.services import NewOrganization
from tests.admin_pages import confirm, read, save, url_of
from tests.builders import make_company, make_import_session, make_person
from tests.client import ApiClient, assert_replayed, document_of
from tests.files.uploads import PEOPLE_1252, send_options, upload
from tests.operations.queueing import create, queue
from tests.statements import Unscoped, Watch, find_models
from tests.wizard.walking import Walk, choose_creator

# Models without an organization.
NO_TENANT = {
    "Organization": "it is the tenant",
    "RequestCounter": "a count by a key, of a token or an organization",
    "FailureCount": "a failed attempt to authenticate belongs to none",
}


class Exemption(NamedTuple):
    """Statements that are exempt from naming the organization.

    Attributes:
        steps: a pattern of the whole names of the steps of the story.
        sql: a pattern that is found in the statements.
        reason: why they are exempt.
    """

    steps: str
    sql: str
    reason: str


# Workers use a connection of their own for these, so they have a story of their own.
OF_OPERATIONS = {"operations_operation", "operations_progress", "imports_queuedchunk"}

EXEMPT = [
    Exemption("the admin's home and search", ".", "it shows imports and records of all organizations"),
    Exemption("the admin's lists", ".", "they show imports and records of all organizations"),
    Exemption("actions of the admin's lists", "^SELECT", "staff select records of all organizations"),
    Exemption("imports_status of all", ".", "it shows the imports of all organizations"),
    Exemption(
        "revert_imports of all", 'IS NOT NULL AND "imports_import"."reverted_at" IS NULL', "it selects among all"
    ),
    Exemption("prune", 'FROM "idempotency_idempotencykey"', "it removes the old keys of all organizations"),
    Exemption("prune", 'FROM "operations_operation"', "it removes the old operations of all organizations"),
    Exemption("prune", 'FROM "webhooks_webhookdelivery"', "it removes the old deliveries of all organizations"),
    Exemption("prune", 'FROM "files_importfile"', "it prunes the old files of all organizations"),
    Exemption(
        "prune",
        '^SELECT .* FROM "import_sessions_importsession"',
        "it removes the expired sessions of all organizations",
    ),
    Exemption("prune", 'FROM "imports_import"', "it prunes the old imports of all organizations"),
    Exemption(
        "webhooks are sent",
        r'^SELECT "webhooks_webhookdelivery"."organization_id"(, ".*"."id")? .* LIMIT 8$',
        "the worker looks for due deliveries of all organizations",
    ),
    Exemption(
        "an import's page|(an import|a file)'s downloads?|a record's page|a record's form|a revert in the admin",
        r'^SELECT .* WHERE "\w+"\."id" = \d+ LIMIT 21$',
        "the URL has an id, and the record has the organization",
    ),
    Exemption(
        "imports_status of one|revert_imports by id|revert_imports of all",
        r'^SELECT .* WHERE "imports_import"\."id" = \d+( ORDER BY "imports_import"\."id" ASC LIMIT 1)?$',
        "the shell names an id, and the import has the organization",
    ),
    Exemption(
        "create_organization|a record's form",
        r'^SELECT 1 AS "a" FROM "companies_company"',
        "Django validates a key by itself",
    ),
    Exemption("tokens at the shell", r'WHERE "people_apitoken"."prefix" = ', "the shell names a token by its prefix"),
]

ROWS: dict[str, list[dict[str, Any]]] = {
    "company": [{"name": "Reds", "due_days": 7}, {"name": "Blues"}],
    "person": [
        {"first_name": "Ann", "email": "ann@acme.test", "company": "Reds", "title": "Dr"},
        {"first_name": "Bob", "email": "bob@acme.test", "company": "Acme"},
        {"first_name": "Cid", "email": "cid@acme.test"},
    ],
}
UPDATE = {
    "company": [{"name": "Reds", "due_days": 8}],
    "person": [
        {"first_name": "Ann", "email": "ann@acme.test", "company": "Blues", "title": "Prof"},
        {"first_name": "Dot", "email": "dot@acme.test", "company": "Reds"},
    ],
}


def get_all(api: ApiClient, *paths: str) -> None:
    for path in paths:
        response = api.get(path.replace(" ", "%20"))
        assert response.status_code == 200, (path, response.content)


def send(api: ApiClient, method: str, path: str, key: str | None = None, status: int = 200, **attributes: Any) -> Any:
    body = json.dumps({"data": {"type": "imports", "attributes": attributes}}) if attributes else None
    response = api.request(method, path, body, headers={"Idempotency-Key": key} if key else None)
    assert response.status_code == status, response.content
    return response


def go_over_http(watch: Watch, api: ApiClient) -> None:
    with watch.step("create, correct, preview and run over HTTP"):
        import_id = document_of(send(api, "POST", "imports", status=201, import_data={"company": [{"name": "Grays"}]}))[
            "data"
        ]["id"]
        send(api, "PATCH", f"imports/{import_id}", import_data=ROWS)
        get_all(api, f"imports/{import_id}/import")
        send(api, "POST", f"imports/{import_id}/import")
        send(api, "POST", "imports", status=422, import_data=ROWS)
    with watch.step("update over HTTP"):
        first = send(api, "POST", "imports", "a", 201, import_data=UPDATE, on_duplicate="update")
        again = send(api, "POST", "imports", "a", 201, import_data=UPDATE, on_duplicate="update")
        assert_replayed(first, again)
        update_id = document_of(first)["data"]["id"]
        tag = api.get(f"imports/{update_id}/import").headers["ETag"]
        ran = api.request("POST", f"imports/{update_id}/import", headers={"If-Match": tag, "Idempotency-Key": "b"})
        assert ran.status_code == 200
    reds_id = api.caller.organization.companies.get(name="Reds").pk
    person_id = Person.objects.get(first_name="Ann").pk
    with watch.step("lists over HTTP"):
        get_all(
            api,
            "imports",
            "imports?filter[sample]=false&sort=-processed_at&include=creator,creator.company",
            "imports?page[size]=1&page[number]=2&filter[import_model_id]=7",
            "imports?page[size]=1&page[number]=2&include=creator.company",
            f"imports/{import_id}?include=creator.company",
            "people?include=company",
            "people?page[size]=2&page[number]=2&include=company",
            f"people?filter[import_id]={import_id},{update_id}&filter[company_id]={reds_id}&filter[id]={person_id}",
            "people?filter[email]=ann@acme.test",
            f"people/{person_id}?include=company",
            "companies?filter[name]=Reds",
            f"companies?filter[import_id]={import_id}&page[size]=1&page[number]=2",
            f"companies/{reds_id}",
            f"organizations/{api.caller.organization.pk}",
        )
        for each in (import_id, update_id):
            get_all(api, *(f"imports/{each}/changes{query}" for query in ("", "?filter[action]=created&sort=-row")))
    with watch.step("revert preview over HTTP"):
        get_all(api, f"imports/{update_id}/revert")
    make_person(organization=api.caller.organization, company_id=reds_id)
    Company.objects.filter(name="Blues").update(due_days=1)
    Person.objects.filter(first_name="Ann").update(title="Sir")
    Person.objects.filter(first_name="Cid").delete()
    with watch.step("revert over HTTP"):
        send(api, "PATCH", f"imports/{update_id}/revert", status=409)
        get_all(api, f"imports/{update_id}/revert", f"imports/{import_id}/revert")
        send(api, "PATCH", f"imports/{update_id}/revert", "c", on_conflict="keep")
        send(api, "PATCH", f"imports/{import_id}/revert", "d", on_conflict="discard")
        send(api, "PATCH", f"imports/{import_id}/revert", "d", on_conflict="discard")


def go_over_staged_rows(watch: Watch, api: ApiClient) -> None:
    rows = {
        "company": [{"name": "Golds"}, {"name": "golds"}, {"name": ""}],
        "person": [{"first_name": "Kim", "company": "Golds", "hat": 1}, {"first_name": "", "email": "kim@x.io"}],
    }
    with watch.step("staged rows over HTTP"):
        staged = api.send_import("POST", "imports", import_data=rows, on_row_error="skip")
        path = f"imports/{document_of(staged)['data']['id']}"
        get_all(api, f"{path}/errors?filter[code]=blank&filter[column]=name", f"{path}/errors")
        get_all(api, f"{path}/rows", f"{path}/rows?filter[has_errors]=true", f"{path}/rows/company/1")
        cells = {"data": {"type": "import_rows", "attributes": {"cells": {"name": "Silvers"}}}}
        assert api.send("PATCH", f"{path}/rows/company/2", cells).status_code == 200
        assert api.request("DELETE", f"{path}/rows/company/3").status_code == 200
        replacement = {"record_type": "person", "column": "hat", "to": None}
        assert api.send_import("POST", f"{path}/replacements", **replacement).status_code == 200
        assert api.request("POST", f"{path}/check").status_code == 200
        assert api.request("POST", f"{path}/import").status_code == 200


def go_over_webhooks(watch: Watch, api: ApiClient, admin_client: Client) -> None:
    attributes = {"url": "https://8.8.8.8/", "events": Event.values}
    document = {"data": {"type": "webhook_endpoints", "attributes": attributes}}
    with watch.step("webhooks over HTTP"):
        endpoint_id = document_of(api.send("POST", "webhook_endpoints", document))["data"]["id"]
        path = f"webhook_endpoints/{endpoint_id}"
        document["data"]["attributes"] = {"enabled": True}
        assert api.send("PATCH", path, document).status_code == 200
        assert api.request("POST", f"{path}/rotate_secret").status_code == 200
        api.run({"company": [{"name": "Yellows"}]})
        delivery = WebhookDelivery.objects.for_organization(api.caller.organization).get()
        assert api.request("POST", f"webhook_deliveries/{delivery.pk}/redeliver").status_code == 200
        get_all(
            api,
            "webhook_endpoints?include=creator",
            f"{path}?include=creator.company",
            f"webhook_endpoints?filter[id]={endpoint_id}",
            f"webhook_deliveries?filter[endpoint_id]={endpoint_id}&filter[status]=pending&include=endpoint.creator",
            f"webhook_deliveries/{delivery.pk}",
        )
    with watch.step("webhooks are sent"):
        gone = Network(allow_private=False, resolve=lambda host, port: ["127.0.0.1"])
        assert send_due(limit=1, network=gone) == 1
        assert send_due(limit=1, network=gone) == 0
    endpoint = delivery.endpoint
    with watch.step("the admin's lists"):
        for model in (WebhookEndpoint, WebhookDelivery):
            read(admin_client, f"{url_of(model, 'changelist')}?q=8.8")
    with watch.step("a record's page"):
        for record in (endpoint, delivery):
            read(admin_client, url_of(record))
    with watch.step("a record's form"):
        assert save(admin_client, endpoint, url="https://8.8.4.4/") == {}
    with watch.step("actions of the admin's lists"):
        for record, action in ((endpoint, "rotate_secrets"), (delivery, "send_again")):
            selected = {"action": action, "_selected_action": [record.pk]}
            assert admin_client.post(url_of(type(record), "changelist"), selected).status_code == 302
    with watch.step("webhooks over HTTP"):
        assert api.request("DELETE", path).status_code == 200


def go_over_import_sessions(watch: Watch, api: ApiClient) -> None:
    linkage = {"person": {"data": {"type": "people", "id": str(api.caller.person.pk)}}}
    with watch.step("import sessions over HTTP"):
        made = api.send("POST", "import_sessions", {"data": {"type": "import_sessions", "relationships": linkage}})
        session = document_of(made)["data"]
        path = f"import_sessions/{session['id']}"
        get_all(api, "import_sessions?include=person", path, f"import_sessions?filter[id]={session['id']}")
    browser = Client()
    with watch.step("a link is followed"):
        assert browser.get(session["attributes"]["url"]).status_code == 302
        browser.get(f"/import/{api.caller.organization.pk}/")
    with watch.step("import sessions over HTTP"):
        assert api.request("DELETE", path).status_code == 200
    make_import_session(person=api.caller.person, created_at=datetime(2000, 1, 1, tzinfo=UTC))


def go_over_files(watch: Watch, api: ApiClient, admin_client: Client) -> None:
    with watch.step("files over HTTP"):
        file = upload(api, PEOPLE_1252, **{"Idempotency-Key": "file"})
        assert send_options(api, file, separator=",").status_code == 200
        get_all(
            api, "import_files?include=creator.company", f"import_files/{file.pk}", f"import_files?filter[id]={file.pk}"
        )
    document: dict[str, Any] = {"data": {"type": "import_models", "attributes": {"name": "People"}}}
    with watch.step("saved mappings over HTTP"):
        model_id = document_of(api.send("POST", "import_models", document))["data"]["id"]
        path = f"import_models/{model_id}"
        document["data"]["attributes"] = dict(file.proposed_mapping)
        assert api.send("PATCH", path, document).status_code == 200
        get_all(api, "import_models?include=creator", path, "import_models?filter[name]=people")
        get_all(api, "import_models/ready_made", f"{path}/template.csv", f"{path}/template.xlsx")
    with watch.step("imports of files"):
        assert send_options(api, file, separator=None).status_code == 200
        linkage = {"data": {"type": "import_files", "id": str(file.pk)}}
        attributes = {"import_model_id": int(model_id)}
        document = {"data": {"type": "imports", "attributes": attributes, "relationships": {"import_file": linkage}}}
        assert api.send("POST", "imports", document).status_code == 201
        get_all(api, "imports?fields[imports]=import_file,mapping,file_counts")
        assert api.request("DELETE", path).status_code == 200
    model = go_over_saved_mappings_in_the_admin(watch, api, admin_client)
    with watch.step("imports of files"):
        document["data"]["attributes"] = {"import_model_id": model.pk}
        assert api.send("POST", "imports", document).status_code == 201
    import_ = Import.objects.latest("id")
    with watch.step("the admin's lists"):
        read(admin_client, f"{url_of(ImportFile, 'changelist')}?q=people")
    with watch.step("a record's page"):
        read(admin_client, url_of(file))
    with watch.step("an import's page"):
        read(admin_client, url_of(import_))
    with watch.step("a record's form"):
        assert admin_client.post(url_of(model, "delete"), {"post": "yes"}).status_code == 302
    with watch.step("a file's download"):
        assert b"".join(admin_client.get(f"/admin/files/importfile/{file.pk}/download")) == PEOPLE_1252


def go_over_saved_mappings_in_the_admin(watch: Watch, api: ApiClient, client: Client) -> ImportModel:
    file = ImportFile.objects.latest("id")
    members = {name: json.dumps(file.proposed_mapping[name]) for name in ("columns", "ignored", "formats")}
    choices = {"on_duplicate": "skip", "missing_companies": "create"}
    organization_id = str(file.organization_id)
    with watch.step("a record's form"):
        added = save(client, ImportModel, organization=organization_id, name="Customers", **members, **choices)
        assert added == {}
    model = ImportModel.objects.latest("id")
    with watch.step("the admin's lists"):
        read(client, f"{url_of(ImportModel, 'changelist')}?q=customers&organization__id__exact={organization_id}")
    with watch.step("a record's page"):
        read(client, url_of(model))
    with watch.step("a record's page"):
        for format_ in ("csv", "xlsx"):
            assert client.get(f"/admin/files/importmodel/{model.pk}/template.{format_}").status_code == 200
    with watch.step("a record's form"):
        assert save(client, model, name="Clients") == {}
    return model


def go_through_the_admin(watch: Watch, client: Client, api: ApiClient) -> None:
    import_ = Import.objects.get(pk=api.run(ROWS | {"company": [{"name": "Greens"}]} | {"person": ROWS["person"][2:]}))
    with watch.step("the admin's home and search"):
        read(client, "/admin/")
        for word in ("Cid", str(import_.pk)):
            assert client.get("/admin/search/", {"s": word}).status_code == 200
    lists = {Import: "creator", Person: "company", Company: "organization"}
    with watch.step("the admin's lists"):
        for model in lists:
            read(client, url_of(model, "changelist"))
            read(client, f"{url_of(model, 'changelist')}?q=Ada&organization__id__exact={import_.organization_id}")
        read(client, f"{url_of(Import, 'changelist')}?state=attention")
    person = Person.objects.get(first_name="Cid")
    company = Company.objects.get(name="Greens")
    with watch.step("an import's page"):
        read(client, f"{url_of(import_)}?conflicts=1")
    refused = Import.objects.get(pk=api.stage({"company": [{"name": "Oranges"}]}))
    with watch.step("a refused run over HTTP"):
        rows = {"company": [{"name": ""}]}
        assert api.send_import("POST", f"imports/{refused.pk}/import", import_data=rows).status_code == 422
    with watch.step("an import's page"):
        assert "Needs attention" in read(client, url_of(refused))
    with watch.step("an import's downloads"):
        for file in ("staged.json", "changes.csv", "conflicts.csv"):
            assert b"".join(client.get(f"/admin/imports/import/{import_.pk}/{file}"))
    with watch.step("a record's page"):
        for record in (person, company):
            read(client, url_of(record))
    with watch.step("a record's form"):
        assert save(client, company, due_days="5") == {}
        assert save(client, person, company=str(company.pk)) == {}
        assert save(client, Person, organization=str(import_.organization_id), first_name="Eve", tag_list="") == {}
    with watch.step("a revert in the admin"):
        asked = client.get(f"/admin/imports/import/{import_.pk}/revert/")
        assert confirm(client, asked, on_conflict="discard").status_code == 200
    with watch.step("an import's downloads"):
        assert b"".join(client.get(f"/admin/imports/import/{import_.pk}/revert.csv"))


def go_through_the_wizard(watch: Watch, client: Client, tenant: NewOrganization) -> None:
    with watch.step("pages of imports"):
        client.get(f"/import/?organization={tenant.organization.pk}&q=Ada")
        choose_creator(client, tenant)
        walk = Walk(client, tenant).upload(b"First name,Email\nGil,gil@acme.test\nHal,none\nIda,none\n")
        walk.send("Read again", encoding="utf-8").send("Continue to the columns", next="1")
        walk.send("Check the rows", save_as="Pages", on_duplicate="update")
        import_id = walk.import_.pk
        walk.send("Save the changed cells", **{"cell:person-2:email": "hal@acme.test"})
        walk.send("Replace in 1 row", to="").send("Check all rows again")
        walk.go(f"imports/{import_id}/preview").send("Import 3 people").go("")
        walk.go(f"imports/{import_id}/?undo=1").send("Revert import")
    assert walk.import_.reverted_at is not None


def go_through_the_commands(watch: Watch, api: ApiClient, folder: Path) -> None:
    organization_id, email = api.caller.organization.pk, "ada@acme.test"
    file, long_ago = folder / "rows.json", datetime(2000, 1, 1, tzinfo=UTC)
    file.write_text(json.dumps({"person": [{"first_name": "Fay", "email": "fay@acme.test", "company": "Acme"}]}))
    arguments: dict[str, Any] = {"organization": organization_id, "email": email, "verbosity": 0}
    with watch.step("import_file"):
        call_command("import_file", str(file), dry_run=True, **arguments)
        call_command("import_file", str(file), **arguments)
        with pytest.raises(CommandError):
            call_command("import_file", str(file), **arguments)
        call_command("import_file", str(file), on_duplicate="update", **arguments)
    import_id = Import.objects.filter(processed_at__isnull=False, reverted_at=None).latest("id").pk
    with watch.step("imports_status of an organization"):
        call_command("imports_status", organization=organization_id)
    with watch.step("imports_status of all"):
        call_command("imports_status")
    with watch.step("imports_status of one"):
        call_command("imports_status", str(import_id))
    with watch.step("revert_imports by id"):
        call_command("revert_imports", str(import_id), dry_run=True)
        call_command("revert_imports", str(import_id))
    with watch.step("revert_imports of all"):
        call_command("revert_imports", since=long_ago, dry_run=True)
    IdempotencyKey.objects.update(created_at=long_ago)
    ImportFile.objects.update(created_at=long_ago)
    with watch.step("prune"):
        call_command("prune")
    with watch.step("tokens at the shell"):
        call_command("create_token", organization=organization_id, email=email)
        call_command("revoke_token", api.caller.token)
    with watch.step("create_organization"):
        call_command("create_organization", "Initech", email="boss@initech.test")


def test_every_statement_names_the_organization(
    acme: NewOrganization, globex: NewOrganization, admin_client: Client, tmp_path: Path
) -> None:
    watch = Watch()
    make_company(organization=globex.organization, name="Reds")
    api = ApiClient(acme)

    go_over_http(watch, api)
    go_over_staged_rows(watch, api)
    go_over_webhooks(watch, api, admin_client)
    go_over_files(watch, api, admin_client)
    go_over_import_sessions(watch, api)
    go_through_the_admin(watch, admin_client, api)
    go_through_the_wizard(watch, admin_client, acme)
    go_through_the_commands(watch, api, tmp_path)

    needed = {exemption: [each for each in watch.found if is_exempt(each, exemption)] for exemption in EXEMPT}
    # Authors are only inserted.
    assert watch.seen | OF_OPERATIONS | {"people_author"} == watch.tables
    assert [each for each in watch.found if not any(is_exempt(each, exemption) for exemption in EXEMPT)] == []
    assert [exemption for exemption, statements in needed.items() if not statements] == []


@pytest.mark.django_db(transaction=True)
def test_every_statement_about_operations_names_the_organization_but_for_the_claim(
    acme: NewOrganization, admin_client: Client
) -> None:
    watch = Watch()
    import_ = create(acme)

    with watch.step("queueing"):
        queue(acme, Kind.UPDATE, import_, import_data=ROWS)
        queue(acme, Kind.IMPORT, import_)
        cancelled = queue(acme, Kind.REVERT, import_)
        file = upload(ApiClient(acme), PEOPLE_1252)
        linkage = {"data": {"type": "import_files", "id": str(file.pk)}}
        body = {"type": "imports", "attributes": {"mapping": file.proposed_mapping}}
        document = json.dumps({"data": {**body, "relationships": {"import_file": linkage}}})
        queued = ApiClient(acme).request("POST", "imports", document, headers={"Prefer": "respond-async"})
        assert queued.status_code == 202
    with watch.step("cancelling"):
        cancel_operation(organization=acme.organization, operation_id=cancelled.pk)
    go_over_operations(watch, ApiClient(acme), import_.pk)
    with watch.step("work"):
        while run_next():
            pass
    assert Import.objects.filter(import_file=file).count() == 1
    with watch.step("the admin"):
        read(admin_client, url_of(cancelled))
        read(admin_client, url_of(Operation, "changelist"))
        admin_client.post(f"/admin/operations/operation/{cancelled.pk}/cancel/")

    assert watch.seen >= OF_OPERATIONS
    claims = [each for each in watch.found if "NOT EXISTS" in each.sql and each.sql.endswith("LIMIT 8")]
    assert {(each.step, each.table) for each in claims} == {("work", "operations_operation")}
    # Staff see operations of all organizations.
    assert [each for each in watch.found if each not in claims and each.step != "the admin"] == []


def go_over_operations(watch: Watch, api: ApiClient, import_id: int) -> None:
    body = json.dumps({"data": {"type": "imports", "attributes": {"import_data": {"company": [{"name": "Whites"}]}}}})
    with watch.step("operations over HTTP"):
        for prefer in ("respond-async", "respond-async, wait=0"):
            assert api.request("POST", "imports", body, headers={"Prefer": prefer}).status_code == 202
        operation_id = Operation.objects.for_organization(api.caller.organization).latest("id").pk
        get_all(
            api,
            f"operations/{operation_id}?include=import.creator,creator.company",
            "operations?filter[status]=queued,failed&filter[kind]=create&page[size]=1&page[number]=2",
            "operations?filter[status]=queued&include=import",
            "operations?filter[status]=running",
            f"operations?filter[import_id]={import_id}&sort=-id",
            "imports?fields[imports]=state,progress",
            f"imports/{import_id}?fields[imports]=state,progress",
        )
        assert api.request("POST", f"operations/{operation_id}/cancel").status_code == 200
        assert find_running(organization=api.caller.organization, import_id=import_id) is None


def is_exempt(found: Unscoped, exemption: Exemption) -> bool:
    return bool(re.fullmatch(exemption.steps, found.step) and re.search(exemption.sql, found.sql))


OF_PEOPLE = "FROM people_person p WHERE organization_id = 1"
REFUSED = pytest.mark.one_server("Citus refuses joins that do not compare the organizations")
ALL_NODES = pytest.mark.one_server("two organizations may be on two nodes")
JOINED = "JOIN organizations_organization o ON o.id = organization_id"
WITH_COMPANIES = "SELECT c.name FROM people_person p LEFT JOIN companies_company c ON c.id = p.company_id"


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("SELECT FROM people_person WHERE id = 1", ["people_person"]),
        ("SELECT FROM people_person WHERE organization_id > 1", ["people_person"]),
        ("SELECT organization_id FROM people_person WHERE id = 1", ["people_person"]),
        pytest.param(f"{WITH_COMPANIES} WHERE p.organization_id = 1", ["companies_company"], marks=REFUSED),
        pytest.param(
            f"SELECT {OF_PEOPLE} AND EXISTS (SELECT FROM imports_import WHERE creator_id = p.id)",
            ["imports_import"],
            marks=REFUSED,
        ),
        ("UPDATE people_person SET title = NULL WHERE id = 1", ["people_person"]),
        ("DELETE FROM changelog_change WHERE ctid = ANY(ARRAY(SELECT '(0,1)'::tid))", ["changelog_change"]),
        (f"SELECT {OF_PEOPLE}", []),
        pytest.param("SELECT FROM people_person WHERE organization_id IN (1, 2)", [], marks=ALL_NODES),
        (f"{WITH_COMPANIES} AND c.organization_id = p.organization_id WHERE p.organization_id = 1", []),
        ("UPDATE people_person SET title = NULL WHERE organization_id = 1 AND ctid = '(0,1)'", []),
        (f"{WITH_COMPANIES} AND c.organization_id = p.organization_id", ["people_person", "companies_company"]),
        (f"SELECT FROM imports_import {JOINED}", ["imports_import"]),
    ],
)
def test_a_statement_without_the_organization_is_detected(db: None, sql: str, tables: list[str]) -> None:
    watch = Watch()

    with watch.step("it"), connection.cursor() as cursor:
        cursor.execute(sql)

    assert sorted(watch.found) == [Unscoped("it", table, sql) for table in sorted(tables)]


def test_every_model_belongs_to_an_organization_or_is_listed_here() -> None:
    assert {model.__name__ for model in find_models(with_organization=False)} == set(NO_TENANT)
    assert {Company, CreatedChunk, Import, Person, SingleChange} <= set(find_models(with_organization=True))


def test_nothing_is_written_without_an_organization(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attrelid::regclass::text FROM pg_attribute WHERE attname = 'organization_id' AND attnotnull"
            " AND NOT atthasdef AND attidentity = '' AND attrelid IN (SELECT oid FROM pg_class WHERE relkind = 'r')"
        )
        tables = {name for (name,) in cursor}

    assert tables == {model._meta.db_table for model in find_models(with_organization=True)}
