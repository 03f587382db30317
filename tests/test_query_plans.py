"""Queries of the API use indexes: none scans a whole table that other tenants share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker

from importsvc.files import services as files
from importsvc.files.services.import_models import read_saved
from importsvc.imports.api.views import ImportViewSet
from importsvc.operations.models import Operation
from importsvc.urls import router
from importsvc.webhooks.models import WebhookDelivery
from people.services import NewOrganization, create_organization
from tests.client import ApiClient, document_of

# Its records take long to make.
pytestmark = [
    pytest.mark.xdist_group("query_plans"),
    pytest.mark.one_server("each node plans its own part of a statement"),
]

# Rows of the caller's organization, and of each other organization.
OWN, OTHERS, OTHER_COUNT = 20_000, 10_000, 6
# A tenant's rows by table, referenced tables first.
FILL = {
    "companies_company": """
        INSERT INTO companies_company (organization_id, name, default_currency, created_at, invoice_email_recipients,
            tag_list, external_id)
        SELECT %(organization)s, 'Company ' || n, 'EUR', now(), '{}', '{}', 'c' || n
        FROM generate_series(1, %(count)s) n
    """,
    "people_person": """
        INSERT INTO people_person (organization_id, company_id, first_name, email, is_user, tag_list, virtual,
            autotracking, created_at, placeholder, private_custom_reports_used, external_id)
        SELECT organization_id, id, 'Ann', lower(replace(name, ' ', '')) || '@example.com', false, '{}', false, false,
            now(), false, 0, replace(external_id, 'c', 'p')
        FROM companies_company WHERE organization_id = %(organization)s AND name LIKE 'Company %%'
    """,
    "people_author": """
        INSERT INTO people_author (organization_id, person_id)
        SELECT organization_id, id FROM people_person WHERE organization_id = %(organization)s ON CONFLICT DO NOTHING
    """,
    "imports_import": """
        INSERT INTO imports_import (organization_id, creator_id, import_model_id, sample, shared_values,
            created_at, started_at, processed_at, reverted_at)
        SELECT organization_id, id, id %% 100, (ARRAY[true, false, false, null])[1 + id %% 4], '{}',
            now(), started_at, started_at + interval '1 second',
            CASE WHEN id %% 6 = 0 THEN started_at + interval '1 hour' END
        FROM (
            SELECT *, CASE WHEN id %% 3 = 0 THEN now() - id * interval '1 minute' END AS started_at FROM people_person
            WHERE organization_id = %(organization)s AND email LIKE 'company%%'
        ) creators
    """,
    "operations_operation": """
        INSERT INTO operations_operation (organization_id, creator_id, import_id, kind, status, arguments, errors,
            queued_at, due_at, finished_at)
        SELECT organization_id, creator_id, id, (ARRAY['create', 'update', 'import', 'revert'])[1 + id %% 4],
            (ARRAY['succeeded', 'failed', 'cancelled', 'queued'])[1 + id %% 4], '{}', '[]', now(), now(),
            CASE WHEN id %% 4 <> 3 THEN now() END
        FROM imports_import WHERE organization_id = %(organization)s
    """,
    "operations_progress": """
        INSERT INTO operations_progress (organization_id, operation_id, attempts, worker, phase, done, total)
        SELECT organization_id, id, 0, '', '', 0, 0 FROM operations_operation
        WHERE organization_id = %(organization)s
    """,
    "files_importfile": """
        INSERT INTO files_importfile (organization_id, creator_id, name, content_type, size, sha256, format, overrides,
            guesses, sheets, sampled_row_count, columns, created_at)
        SELECT organization_id, id, id || '.csv', 'text/csv', 10, '', 'csv', '{}', '{}', '[]', 1, '[]', now()
        FROM people_person WHERE organization_id = %(organization)s AND email LIKE 'company%%'
    """,
    "files_importmodel": """
        INSERT INTO files_importmodel (organization_id, creator_id, name, columns, ignored, formats, on_duplicate,
            missing_companies, created_at, updated_at)
        SELECT organization_id, id, 'Mapping ' || row_number() OVER (ORDER BY id), '[]', '[]', '{}', 'error', 'create',
            now(), now()
        FROM people_person WHERE organization_id = %(organization)s AND email LIKE 'company%%'
    """,
    "import_sessions_importsession": """
        INSERT INTO import_sessions_importsession (organization_id, creator_id, person_id, prefix, hashed_key,
            record_types, may_revert, created_at, expires_at)
        SELECT organization_id, id, id, id, '', '{}', true, now(), now() + interval '1 hour'
        FROM people_person WHERE organization_id = %(organization)s AND email LIKE 'company%%'
    """,
    # Twenty imports created all people and companies, equally many of both. The changes of companies are not in chunks.
    "changelog_change": """
        INSERT INTO changelog_change (organization_id, import_id, record_type, record_id, "row", action)
        SELECT %(organization)s,
            (SELECT min(id) FROM imports_import WHERE organization_id = %(organization)s) + row_number %% 20,
            'company', id, row_number, 'created'
        FROM (
            SELECT id, row_number() OVER (ORDER BY id) FROM companies_company WHERE organization_id = %(organization)s
        ) records
    """,
    "changelog_createdchunk": """
        INSERT INTO changelog_createdchunk (organization_id, import_id, block, record_type, record_count, first_id,
            last_id, record_ids, rows, columns, after)
        SELECT %(organization)s,
            (SELECT min(id) FROM imports_import WHERE organization_id = %(organization)s) + part %% 20,
            nextval('changelog_block'), 'person', count(*), min(id), max(id), array_agg(id ORDER BY id),
            array_agg(row_number ORDER BY id), '{first_name}', json_agg('{"first_name": "Ann"}'::json)
        FROM (
            SELECT id, row_number, row_number / 100 AS part FROM (
                SELECT id, row_number() OVER (ORDER BY id) FROM people_person WHERE organization_id = %(organization)s
            ) AS numbered
        ) records GROUP BY part
    """,
    "webhooks_webhookendpoint": """
        INSERT INTO webhooks_webhookendpoint (organization_id, creator_id, url, secret, events, enabled, created_at,
            updated_at)
        SELECT organization_id, id, 'https://example.com/' || id, 's', '{import.processed}', true, now(), now()
        FROM people_person WHERE organization_id = %(organization)s AND email LIKE 'company%%'
    """,
    "webhooks_webhookdelivery": """
        INSERT INTO webhooks_webhookdelivery (organization_id, endpoint_id, event, event_id, payload, status, attempts,
            next_attempt_at, created_at, delivered_at)
        SELECT organization_id, id, (ARRAY['import.processed', 'import.reverted'])[1 + id %% 2], 'msg_' || id, '{}',
            (ARRAY['pending', 'delivered', 'failed'])[1 + id %% 3], 0,
            CASE WHEN id %% 3 = 0 THEN now() + id * interval '1 second' END, now(), CASE WHEN id %% 3 = 1 THEN now() END
        FROM webhooks_webhookendpoint WHERE organization_id = %(organization)s
    """,
}

FILTERS = {
    "people": [
        "id={people}",
        "email=company7@example.com",
        "external_id=p7",
        "company_id={companies}",
        "import_id={imports}",
    ],
    "companies": ["id={companies}", "name=company 7", "external_id=c7", "import_id={imports}"],
    "operations": ["status=queued", "status=failed,queued", "kind=create", "import_id={imports}"],
    "imports": ["import_model_id=7", "import_model_id=7,8", "sample=true", "sample=null", "sample=false,null"],
    "import_files": ["id={import_files}"],
    "import_models": ["id={import_models}", "name=mapping 7"],
    "import_sessions": ["id={import_sessions}"],
    "webhook_endpoints": ["id={webhook_endpoints}"],
    "webhook_deliveries": ["endpoint_id={webhook_endpoints}", "status=pending", "event=import.processed"],
}
LAST_PAGE = OWN // 200


@pytest.fixture(scope="module")
def tenant(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[NewOrganization]:
    """An organization with tens of thousands of records, further such organizations, and statistics of all tables."""
    with django_db_blocker.unblock():
        tenants = [
            create_organization(name=f"Tenant {number}", email=f"boss{number}@example.com")
            for number in range(OTHER_COUNT + 1)
        ]
        own = tenants[OTHER_COUNT // 2]
        with connection.cursor() as cursor:
            for table, sql in FILL.items():
                # The statistics that a vacuum in between makes differ with the tests before it.
                cursor.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
                for each in tenants:
                    count = OWN if each is own else OTHERS
                    cursor.execute(sql, {"organization": each.organization.pk, "count": count})
                # Before the next table's rows refer to these: by statistics from when there were none, PostgreSQL
                # would read through the table for every key that it checks.
                cursor.execute(f"VACUUM ANALYZE {table}")
        yield own
        with connection.cursor() as cursor:
            for table in FILL:
                cursor.execute(f"ALTER TABLE {table} RESET (autovacuum_enabled)")
            cursor.execute(
                "TRUNCATE organizations_organization, companies_company, people_person, people_apitoken,"
                " imports_import, imports_stagedchunk, imports_stagedrowerror, imports_queuedchunk, imports_refusal,"
                " changelog_change, changelog_createdchunk, people_author,"
                " idempotency_idempotencykey, operations_operation, operations_progress,"
                " webhooks_webhookendpoint, webhooks_webhookdelivery, files_importfile, files_importfilepart,"
                " files_importmodel, import_sessions_importsession"
            )


@pytest.fixture
def api(tenant: NewOrganization, db: None) -> ApiClient:
    """A client that sends requests of the person of that organization."""
    api = ApiClient(tenant)
    api.checks_description = False
    api.get("organizations/1")  # moves last_seen_at, which then stays the same
    return api


def scans(plan: dict[str, Any]) -> Iterator[str]:
    """The tables that a plan scans as a whole."""
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for part in plan.get("Plans", []):
        yield from scans(part)


def read_plans(api: ApiClient, path: str) -> dict[str, list[str]]:
    """The large tables that each query of a request scans as a whole."""
    plans = explain(api, path)
    return {sql: [table for table in scans(plan) if table in FILL] for sql, plan in plans.items()}


def explain(api: ApiClient, path: str) -> dict[str, dict[str, Any]]:
    """The plan of each query of a request that finds something."""
    with CaptureQueriesContext(connection) as queries:
        response = api.get(path)
    assert response.status_code == 200, response.content
    assert document_of(response)["data"], path
    return explain_statements(query["sql"] for query in queries)


def explain_statements(statements: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The plan of each statement."""
    plans = {}
    with connection.cursor() as cursor:
        for sql in statements:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
            (plan,) = cursor.fetchone()
            plans[sql] = plan[0]["Plan"]
    return plans


def paths() -> Iterator[str]:
    """Every filter, every sort in both directions, first and last pages, includes, and single records."""
    for resource, filters in FILTERS.items():
        view_class: Any = next(view for prefix, view, _ in router.registry if prefix == resource)
        assert {each.partition("=")[0] for each in filters} == set(view_class.filterset_class.base_filters)
        queries = [f"filter[{name}]={value}" for name, _, value in (each.partition("=") for each in filters)]
        for field in view_class.sort_fields:
            queries += [
                f"sort={sign}{field}&page[size]=200{page}" for sign in ("", "-") for page in ("", "&page[number]=90")
            ]
        queries += ["", "page[size]=200", f"page[size]=200&page[number]={LAST_PAGE}", "include="]
        queries += ["include=company", f"include=company&page[size]=200&page[number]={LAST_PAGE}"] * (
            resource == "people"
        )
        yield from (f"{resource}?{query}" for query in queries)
        yield f"{resource}/{{{resource}}}"
    yield from (
        f"imports?sort={one},-{other}" for one in ImportViewSet.sort_fields for other in ImportViewSet.sort_fields
    )
    yield "imports?fields[imports]=state,progress&page[size]=200"
    yield "imports/{imports}?fields[imports]=state,progress"
    yield "imports?filter[sample]=false&sort=-processed_at"
    yield "imports?filter[import_model_id]=7&sort=started_at"
    yield "organizations/{organizations}"
    queries = ["", "page[size]=200&page[number]=10", "filter[action]=created", "filter[record_type]=person"]
    queries += ["filter[row]=20,40", "filter[record_type]=company&filter[row]=20&filter[action]=created"]
    queries += [f"sort={sign}{name}&page[number]=9" for name in ("id", "row") for sign in ("", "-")]
    yield from (f"imports/{{imports}}/changes?{query}" for query in queries)


@pytest.mark.parametrize("path", list(paths()))
def test_no_query_reads_through_a_large_table(api: ApiClient, path: str) -> None:
    organization = api.caller.organization
    ids = {
        "people": organization.people.order_by("-id").values_list("pk", flat=True)[0],
        "companies": organization.companies.order_by("-id").values_list("pk", flat=True)[0],
        "imports": organization.imports.order_by("id").values_list("pk", flat=True)[0],
        "organizations": organization.pk,
        "import_models": organization.import_models.order_by("-id").values_list("pk", flat=True)[0],
        "import_files": organization.import_files.order_by("-id").values_list("pk", flat=True)[0],
        "import_sessions": organization.import_sessions.order_by("-id").values_list("pk", flat=True)[0],
        "webhook_endpoints": organization.webhook_endpoints.order_by("-id").values_list("pk", flat=True)[0],
        "webhook_deliveries": WebhookDelivery.objects.for_organization(organization).order_by("-id")[0].pk,
        "operations": Operation.objects.for_organization(organization).earliest("id").pk,
    }

    plans = read_plans(api, path.format(**ids).replace(" ", "%20"))

    assert len(plans) >= 3
    assert {sql: tables for sql, tables in plans.items() if tables} == {}


def test_no_statement_of_a_saved_mapping_reads_through_a_large_table(api: ApiClient) -> None:
    organization = api.caller.organization
    model_id = organization.import_models.order_by("-id").values_list("pk", flat=True)[0]

    with CaptureQueriesContext(connection) as queries:
        files.update_import_model(organization=organization, model_id=model_id, name="Another name", columns=[])
        files.make_template(organization=organization, model_id=model_id, format="csv")
        read_saved(organization)
        files.delete_import_model(organization=organization, model_id=model_id)

    statements = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    plans = explain_statements(statements)
    assert len(plans) >= 6
    assert {sql: list(scans(plan)) for sql, plan in plans.items() if any(table in FILL for table in scans(plan))} == {}


def find_limits(plan: dict[str, Any]) -> Iterator[str]:
    """The relation of each ``Limit`` node of a plan to its parent."""
    if plan["Node Type"] == "Limit":
        yield plan.get("Parent Relationship", "Top")
    for part in plan.get("Plans", []):
        yield from find_limits(part)


@pytest.mark.parametrize("path", ["people", "people?sort=-id&include=company", "companies", "imports?sort=-started_at"])
def test_the_start_of_a_later_page_is_found_once_and_not_for_each_record(api: ApiClient, path: str) -> None:
    page = f"{path}{'&' if '?' in path else '?'}page[number]=40"

    limits = [limit for plan in explain(api, page).values() for limit in find_limits(plan) if limit != "Top"]

    assert limits == ["InitPlan"]


def test_a_query_without_an_index_is_detected(api: ApiClient) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX import_started_at, import_started_at_desc")
        cursor.execute("ALTER TABLE imports_import DROP CONSTRAINT import_organization_id CASCADE")
        cursor.execute("DROP INDEX import_organization_model, import_sample")
        cursor.execute("DROP INDEX import_processed_at, import_processed_at_desc")
        cursor.execute("DROP INDEX import_reverted_at, import_reverted_at_desc")

    plans = read_plans(api, "imports?sort=-started_at")

    assert ["imports_import"] in plans.values()


def test_a_query_of_changes_without_an_index_is_detected(api: ApiClient) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE changelog_change DROP CONSTRAINT change_record_once")

    plans = read_plans(api, f"imports/{api.caller.organization.imports.order_by('id')[0].pk}/changes")

    assert ["changelog_change"] in plans.values()
