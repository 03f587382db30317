"""Compiled documents are those of djangorestframework-jsonapi's serializers, to the last byte."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain, combinations, product
from typing import Any

import pytest
from django.db import models

from importsvc.changelog.models import SingleChange
from importsvc.imports.models import ImportState
from importsvc.urls import router
from organizations.models import Organization
from tests.builders import (
    PUBLISHED_ROWS,
    make_company,
    make_delivery,
    make_endpoint,
    make_import,
    make_import_file,
    make_import_model,
    make_import_session,
    make_operation,
    make_person,
)
from tests.client import ApiClient, document_of
from tests.jsonapi.reference import answer_changes_slowly, answer_slowly

VIEWS: dict[str, Any] = {prefix: view_class for prefix, view_class, _ in router.registry}
LISTS = [prefix for prefix, view_class in VIEWS.items() if hasattr(view_class, "list")]

WINTER = datetime(2024, 1, 15, 9, 0, 0, 999_999, tzinfo=UTC)
SUMMER = datetime(2024, 7, 15, 22, 30, 0, 1_000, tzinfo=UTC)
# Twice the same time on the clocks of Zagreb, and a time when its offset had seconds.
BACK = [datetime(2024, 10, 27, hour, 30, tzinfo=UTC) for hour in (0, 1)]
LATE = datetime(2100, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(1850, 1, 1, tzinfo=UTC)

ODD_JSON: list[Any] = [
    None,
    {},
    [],
    "",
    '\u2028 \u2029 \x7f " \\ / 🦄',
    0,
    -0.0,
    0.1,
    1e16,
    1e-7,
    1.5e300,
    10**30,
    True,
    [None, [[{"a": [1, {"ü": None}]}]]],
    {"b": 1, "a": {"c": {"d": []}}, "": 2**64, "42": "x"},
]
ODD_TAGS: list[list[str | None]] = [[], ["a"], ["", " ", ",", '"', "{}", "NULL", "ü🦄\n"], [None, "a"]]


@pytest.fixture
def odd_records(api: ApiClient) -> dict[str, list[int]]:
    """Ids of records by type: empty and full columns, shared and missing relations, values that need escapes."""
    api.checks_description = False
    organization = api.caller.organization
    companies = [make_company(organization=organization, name="Plain")]
    for number, value in enumerate(ODD_JSON):
        companies.append(
            make_company(
                organization=organization,
                name=f"Ödd \u2028 & Co. {number} 🦄",
                created_at=[WINTER, SUMMER, *BACK, LONG_AGO][number % 5],
                archived_at=SUMMER,
                avatar_url="https://example.com/ü?a=b&c",
                invoice_email_recipients=value if value is not None else models.Value(None, models.JSONField()),
                custom_fields=value,
                description="a\nb\t\x01",
                due_days=number,
                external_id=[None, "x1", "X1", "7"][number] if number < 4 else f"\u2028{number}",
                tag_list=ODD_TAGS[number % 4],
            )
        )
    people = [make_person(organization=organization), make_person(organization=organization, company=companies[1])]
    for number, at in enumerate([WINTER, SUMMER, *BACK]):
        stamps = ["joined_at", "last_seen_at", "deactivated_at", "archived_at", "invited_at", "created_at"]
        people.append(
            make_person(
                organization=organization,
                company=companies[number // 2],
                first_name="Łucja",
                last_name="O'Neil",
                email=f"p{number}@example.com",
                title="",
                role_id=number,
                external_id=["7", "x1", "X1"][number] if number < 3 else None,
                is_user=True,
                tag_list=ODD_TAGS[number % 4],
                avatar_url="https://example.com/",
                virtual=True,
                custom_fields={"1": ODD_JSON[number + 8]},
                autotracking=True,
                placeholder=True,
                color_id=2**31 - 1,
                private_custom_reports_used=7,
                **dict.fromkeys(stamps, at),
            )
        )
    imports = [make_import(creator=people[number], import_model_id=2**63 - 1) for number in (5, 2, 5, 0, 1)]
    for state, sample in [(ImportState.CREATED, None), (ImportState.PROCESSED, False), (ImportState.REVERTED, True)]:
        imports.append(make_import(creator=people[3], state=state, sample=sample))
    imports += [make_import(creator=people[3], on_duplicate="update", counts=value) for value in ODD_JSON]
    endpoints = [
        make_endpoint(organization=organization, created_at=SUMMER, events=["import.failed"]),
        make_endpoint(organization=organization, creator=people[5], enabled=False, disabled_reason="Ü \u2028"),
        make_endpoint(organization=organization, creator=people[2], url="https://example.com/?a=b&c=<d>"),
        make_endpoint(organization=organization, creator=people[5], created_at=LONG_AGO, updated_at=BACK[0]),
    ]
    deliveries = [
        make_delivery(endpoint=endpoints[number % 3], event_id=f"msg_{number}", payload=value, next_attempt_at=SUMMER)
        for number, value in enumerate(ODD_JSON[1:])
    ]
    ended: dict[str, Any] = {"next_attempt_at": None, "attempts": 3, "last_status": 500, "created_at": WINTER}
    deliveries += [
        make_delivery(endpoint=endpoints[0], status="failed", last_error="Ü", event="import.failed", **ended),
        make_delivery(endpoint=endpoints[3], status="delivered", delivered_at=BACK[1], **ended),
    ]
    operations = [
        make_operation(creator=people[5], kind="create"),
        make_operation(creator=people[2], import_=imports[0], attempts=3, started_at=SUMMER),
        make_operation(creator=people[2], import_=imports[6], status="succeeded", done=7, total=7, finished_at=LATE),
    ]
    for value in ODD_JSON:
        error = {
            "code": "conflict",
            "detail": {"b": value, "a": 1},
            "attribute": "sample",
            "meta": {"d": value, "c": 2},
        }
        operations.append(
            make_operation(creator=people[3], import_=imports[7], status="failed", errors=[error], finished_at=LATE)
        )
    saved = [
        make_import_model(organization=organization, name=f"Ü {number} \u2028", columns=value, updated_at=SUMMER)
        for number, value in enumerate(ODD_JSON)
        if value is not None
    ]
    saved.append(make_import_model(organization=organization, creator=people[5], match_by="email", created_at=WINTER))
    files = [
        make_import_file(creator=people[2], name="Ü.csv", columns=value) for value in ODD_JSON if value is not None
    ]
    files.append(
        make_import_file(
            creator=people[5],
            proposed_import_model=saved[-1],
            proposed_mapping={"b": 1, "a": 2},
            separator=";",
            header_row=0,
            line_count=2**40,
            pruned_at=SUMMER,
        )
    )
    sessions = [
        make_import_session(person=people[2], creator=people[5]),
        make_import_session(person=people[5], created_at=LONG_AGO, return_url="https://example.com/?a=b&c=<d>"),
        make_import_session(
            person=people[5],
            created_at=SUMMER,
            record_types=["company", "person"],
            import_model_id=2**63 - 1,
            may_revert=False,
            theme_color="#0a0b0c",
            frame_origin="https://example.com",
        ),
    ]
    found: dict[str, Sequence[models.Model]] = {
        "operations": operations,
        "companies": companies,
        "people": people,
        "imports": imports,
        "organizations": [organization],
        "webhook_endpoints": endpoints,
        "webhook_deliveries": deliveries,
        "import_models": saved,
        "import_files": files,
        "import_sessions": sessions,
    }
    return {name: [record.pk for record in records] for name, records in found.items()}


def subsets(names: list[str], sizes: Iterable[int]) -> Iterator[tuple[str, ...]]:
    return chain.from_iterable(combinations(names, size) for size in sorted(sizes))


def reachable(serializer_class: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Paths of includes with the resource of each; the empty path is the primary resource."""
    if not prefix:
        yield "", serializer_class
    for name, related in serializer_class.included_serializers.items():
        yield f"{prefix}{name}", related
        yield from reachable(related, f"{prefix}{name}.")


def shapes(view_class: Any) -> Iterator[str]:
    """Queries for no, one, two and all includes, for single fields, no field and some fields, and for both together."""
    found: list[tuple[str, Any]] = list(reachable(view_class.serializer_class))
    paths = [path for path, _ in found if path]
    yield ""
    yield from (f"include={','.join(included)}" for included in subsets(paths, {0, 1, 2, len(paths)}))
    fieldsets = []
    for _, serializer_class in found:
        shown = [name for name, field in serializer_class().fields.items() if not field.write_only and name != "id"]
        parameter = f"fields[{serializer_class.Meta.resource_name}]="
        fieldsets += [parameter + name for name in shown]
        fieldsets += [parameter, parameter + ",".join(reversed(shown[1::2])), parameter + ",".join(shown)]
    # Two paths may lead to one resource.
    fieldsets = list(dict.fromkeys(fieldsets))
    yield from fieldsets
    wholes = [fieldset for fieldset in fieldsets if fieldset.endswith("=")]
    yield "&".join(wholes)
    includes = [f"include={','.join(included)}" for included in subsets(paths, {1, len(paths)})]
    yield from ("&".join(each) for each in product(includes, wholes))


def lists(view_class: Any) -> Iterator[str]:
    """Queries for every sort and filter, and pages of several sizes."""
    for name in view_class.sort_fields:
        yield from (f"sort={name}", f"sort=-{name}", f"sort=-{name},id&page[size]=3&page[number]=2")
    yield from (f"sort=-{one},{other}" for one, other in combinations(view_class.sort_fields, 2))
    values = {
        "id": ["{ids}", "0"],
        "name": ["plain", "PLAIN&filter[name]=acme"],
        "email": ["P1@example.com"],
        "external_id": ["x1", "X1&filter[external_id]=7"],
        "company_id": ["{companies}"],
        "import_id": ["{run}", "{run},{imports}"],
        "import_model_id": [f"{2**63 - 1}", "1"],
        "sample": ["true", "false,null"],
        "endpoint_id": ["{webhook_endpoints}", "0"],
        "status": ["pending", "delivered,failed"],
        "event": ["import.failed,import.processed", "import.reverted"],
        "kind": ["import", "create,revert"],
    }
    if view_class.serializer_class.Meta.resource_name == "operations":
        values["status"] = ["running", "queued", "running,queued,failed"]
    for name in view_class.filterset_class.base_filters:
        yield from (f"filter[{name}]={value}&page[size]=2" for value in values[name])
    for size in (1, 2, 200):
        yield from (f"page[size]={size}&page[number]={number}" for number in (1, 2, 3, 99))


def put_into_zone(api: ApiClient, zone: str) -> None:
    Organization.objects.filter(pk=api.caller.organization.pk).update(time_zone=zone)
    api.get("imports")  # moves last_seen_at, which then stays the same for a minute


@pytest.mark.parametrize("resource", VIEWS)
def test_documents_are_those_of_the_serializers_whatever_is_shown(
    api: ApiClient, odd_records: dict[str, list[int]], resource: str
) -> None:
    put_into_zone(api, "America/St_Johns")
    view_class = VIEWS[resource]

    for query in shapes(view_class):
        if resource in LISTS:
            path = f"{resource}?{query}"
            assert api.get(path).content == answer_slowly(view_class, api.caller, path), path
        record_id = odd_records[resource][-1]
        path = f"{resource}/{record_id}?{query}"
        assert api.get(path).content == answer_slowly(view_class, api.caller, path, record_id), path


@pytest.mark.parametrize("resource", VIEWS)
def test_documents_are_those_of_the_serializers_for_every_record(
    api: ApiClient, odd_records: dict[str, list[int]], resource: str
) -> None:
    put_into_zone(api, "Europe/Zagreb")

    for record_id in odd_records[resource]:
        path = f"{resource}/{record_id}"
        assert api.get(path).content == answer_slowly(VIEWS[resource], api.caller, path, record_id), path


@pytest.mark.parametrize("resource", LISTS)
def test_documents_are_those_of_the_serializers_whatever_is_listed(
    api: ApiClient, odd_records: dict[str, list[int]], resource: str
) -> None:
    put_into_zone(api, "Europe/Zagreb")
    ids = {name: ",".join(map(str, numbers[1:4])) for name, numbers in odd_records.items()}
    run = api.run(PUBLISHED_ROWS)

    for query in lists(VIEWS[resource]):
        path = f"{resource}?{query.format(ids=ids[resource], run=run, **ids)}"
        assert api.get(path).content == answer_slowly(VIEWS[resource], api.caller, path), path


def test_responses_to_writes_are_the_documents_that_reads_return(api: ApiClient) -> None:
    put_into_zone(api, "Europe/Zagreb")

    def assert_is_read(content: bytes) -> None:
        assert content == answer_slowly(VIEWS["imports"], api.caller, path, import_id)

    created = api.send_import("POST", "imports", import_data=PUBLISHED_ROWS)
    import_id = document_of(created)["data"]["id"]
    path = f"imports/{import_id}"

    assert_is_read(created.content)
    assert_is_read(api.send_import("PATCH", path, import_data=PUBLISHED_ROWS, sample=True).content)
    assert_is_read(api.request("POST", f"{path}/import").content)
    assert_is_read(api.request("PATCH", f"{path}/revert").content)


@pytest.mark.parametrize("fields", ["on_duplicate", "counts,sample", "creator,counts,on_duplicate", ""])
def test_responses_to_writes_have_the_requested_fields(api: ApiClient, fields: str) -> None:
    put_into_zone(api, "Europe/Zagreb")
    query = f"?fields[imports]={fields}"

    def assert_is_read(content: bytes) -> None:
        assert content == answer_slowly(VIEWS["imports"], api.caller, path + query, import_id)

    body = {"data": {"type": "imports", "attributes": {"import_data": PUBLISHED_ROWS, "on_duplicate": "skip"}}}
    created = api.send("POST", f"imports{query}", body)
    import_id = document_of(created)["data"]["id"]
    path = f"imports/{import_id}"

    assert_is_read(created.content)
    assert_is_read(api.send("PATCH", path + query, body).content)
    assert_is_read(api.request("POST", f"{path}/import{query}").content)
    assert_is_read(api.request("PATCH", f"{path}/revert{query}").content)


def test_changes_are_those_of_a_serializer_whatever_is_shown(api: ApiClient, odd_records: dict[str, list[int]]) -> None:
    names = ["row", "action", "before", "after", "outcome", "kept_fields", "import", "record"]
    fieldsets = ["", *names, "record,outcome,after", ",".join(names)]
    queries = [
        "",
        "page[size]=3&page[number]=2",
        "sort=-row",
        *(f"fields[import_changes]={each}" for each in fieldsets),
    ]
    _, processed, reverted = odd_records["imports"][5:8]
    for import_id in (processed, reverted):
        for number, value in enumerate(ODD_JSON):
            SingleChange.objects.create(
                organization=api.caller.organization,
                import_record_id=import_id,
                record_type=["company", "person"][number % 2],
                record_id=2**63 - 1 - number,
                row=number % 4 + 1,
                action=["created", "updated"][number % 3 % 2],
                before=None if number % 2 else {"x": value},
                after={"y": value, "a": 1},
                outcome=[None, "kept", "gone"][number % 3],
                kept_fields=[None, [], ["title", "company_id"]][number % 3],
            )

        for query in queries:
            path = f"imports/{import_id}/changes?{query}"
            assert api.get(path).content == answer_changes_slowly(api.caller, path, str(import_id)), path
