"""Operations are resources: shown alone and in lists, to their organization only."""

from __future__ import annotations

import json

import pytest

from importsvc.operations.models import Kind, Operation, Progress, Status
from importsvc.operations.work import run_next
from people.services import NewOrganization
from tests.client import ApiClient, assert_error, document_of
from tests.operations.api.documents import of_operation, read_operation, without_times
from tests.operations.queueing import ROWS, create, queue
from tests.operations.running import claimed
from tests.operations.workers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_queued_operation_is_shown_and_asks_to_be_looked_at_again(api: ApiClient, acme: NewOrganization) -> None:
    import_ = create(acme)
    operation = queue(acme, Kind.IMPORT, import_)

    response = api.get(f"operations/{operation.pk}")

    document = document_of(response)
    assert (response.status_code, response.headers["Retry-After"]) == (200, "1")
    assert list(document) == ["data", "meta"]
    assert list(document["meta"]) == ["organization_features"]
    assert document["data"]["attributes"]["queued_at"] is not None
    assert without_times(document["data"]) == of_operation(api, operation.pk, import_=import_.pk)
    assert list(document["data"]["attributes"]) == list(of_operation(api, 0)["attributes"])
    assert list(document["data"]["attributes"]["progress"]) == ["phase", "done", "total"]


def test_an_operation_that_has_not_changed_is_not_sent_again_but_still_asks_to_be_looked_at(
    api: ApiClient, acme: NewOrganization
) -> None:
    path = f"operations/{queue(acme, Kind.IMPORT, create(acme)).pk}"

    again = api.get(path, **{"If-None-Match": api.get(path).headers["ETag"]})

    assert (again.status_code, again.content, again.headers["Retry-After"]) == (304, b"", "1")


def test_an_operation_that_creates_an_import_names_it_once_it_is_done(api: ApiClient, acme: NewOrganization) -> None:
    operation = queue(acme, Kind.CREATE, import_data=ROWS)
    assert without_times(read_operation(api, operation.pk)) == of_operation(api, operation.pk, kind="create")

    run_next()

    response = api.get(f"operations/{operation.pk}")
    assert "Retry-After" not in response.headers
    shown = document_of(response)["data"]
    operation.refresh_from_db()
    assert all(shown["attributes"][name] for name in ("queued_at", "started_at", "finished_at"))
    assert without_times(shown) == of_operation(
        api,
        operation.pk,
        kind="create",
        status="succeeded",
        attempts=1,
        progress={"phase": None, "done": 2, "total": 2},
        import_=operation.import_record_id,
    )


def test_a_running_operation_shows_its_phase(api: ApiClient, acme: NewOrganization) -> None:
    import_ = create(acme)
    operation = queue(acme, Kind.IMPORT, import_)

    with claimed(operation):
        Progress.objects.update(phase="writing", done=1, total=2)
        shown = read_operation(api, operation.pk)

    assert without_times(shown) == of_operation(
        api,
        operation.pk,
        status="running",
        attempts=1,
        progress={"phase": "writing", "done": 1, "total": 2},
        import_=import_.pk,
    )
    assert shown["attributes"]["started_at"] is not None


def test_an_operation_whose_worker_is_gone_is_shown_as_queued(api: ApiClient, acme: NewOrganization) -> None:
    operation = queue(acme, Kind.IMPORT, create(acme))

    with claimed(operation) as worker:
        assert read_operation(api, operation.pk)["attributes"]["status"] == "running"
        # A process that PostgreSQL has given the same number since.
        Progress.objects.update(started_at="2000-01-01T00:00:00Z")
        assert read_operation(api, operation.pk)["attributes"]["status"] == "queued"
        Progress.objects.update(started_at="2100-01-01T00:00:00Z")
        assert read_operation(api, operation.pk)["attributes"]["status"] == "running"
        worker.close()

        # PostgreSQL may still list the connection for a moment.
        wait_until(lambda: read_operation(api, operation.pk)["attributes"]["status"] == "queued")


def test_the_errors_are_those_of_the_synchronous_response(api: ApiClient, acme: NewOrganization) -> None:
    rows = {"company": [{}], "person": [{"email": "x"}]}
    operation = queue(acme, Kind.CREATE, import_data=rows)
    mismatch = queue(acme, Kind.IMPORT, create(acme), if_match=["other"])
    synchronous = api.send_import("POST", "imports", import_data=rows)
    assert synchronous.status_code == 422

    while run_next():
        pass

    shown = read_operation(api, operation.pk)["attributes"]
    assert (shown["status"], shown["progress"]["done"]) == ("failed", 0)
    assert json.dumps(shown["errors"]) == json.dumps(document_of(synchronous)["errors"])
    assert read_operation(api, mismatch.pk)["attributes"]["errors"] == [
        {
            "status": "412",
            "code": "precondition_failed",
            "title": "Precondition Failed",
            "detail": "Something has changed since the preview whose ETag If-Match names",
            "source": {"header": "If-Match"},
        }
    ]


def test_an_operation_whose_workers_were_lost_says_so(api: ApiClient, acme: NewOrganization) -> None:
    operation = queue(acme, Kind.IMPORT, create(acme))
    Progress.objects.update(attempts=3)

    run_next()

    assert read_operation(api, operation.pk)["attributes"]["errors"] == [
        {
            "status": "500",
            "code": "worker_lost",
            "title": "Worker Lost",
            "detail": "The worker ended in each attempt, and nothing was changed",
        }
    ]


def test_fields_and_includes_are_chosen_as_in_other_documents(api: ApiClient, acme: NewOrganization) -> None:
    import_ = create(acme)
    operation = queue(acme, Kind.IMPORT, import_)
    fields = "fields[operations]=status,import&fields[imports]=state&fields[people]=first_name&fields[companies]="

    document = document_of(api.get(f"operations/{operation.pk}?{fields}&include=import,creator.company"))

    person, company = acme.person, acme.person.company_id
    assert document["data"] == {
        "id": str(operation.pk),
        "type": "operations",
        "attributes": {"status": "queued"},
        "relationships": {"import": {"data": {"type": "imports", "id": str(import_.pk)}}},
    }
    assert document["included"] == [
        {"id": str(import_.pk), "type": "imports", "attributes": {"state": "created"}},
        {"id": str(person.pk), "type": "people", "attributes": {"first_name": "Ada"}},
        {"id": str(company), "type": "companies"},
    ]


def test_no_other_organization_sees_or_cancels_an_operation(
    api: ApiClient, acme: NewOrganization, globex: NewOrganization
) -> None:
    operation, other = queue(acme, Kind.IMPORT, create(acme)), ApiClient(globex)

    for path in (operation.pk, 2**63 - 1, 2**63, "x"):
        for refused in (other.get(f"operations/{path}"), other.request("POST", f"operations/{path}/cancel")):
            assert_error(refused, 404, "record_not_found", "The requested record was not found")
            assert "Retry-After" not in refused.headers

    assert document_of(other.get("operations"))["data"] == []
    operation.refresh_from_db()
    assert operation.status == Status.QUEUED


@pytest.fixture
def listed(acme: NewOrganization) -> dict[str, Operation]:
    """Operations in every status but running."""
    import_ = create(acme)
    made = {"succeeded": queue(acme, Kind.IMPORT, import_), "failed": queue(acme, Kind.IMPORT, import_)}
    while run_next():
        pass
    made["cancelled"] = queue(acme, Kind.REVERT, import_)
    made["queued"] = queue(acme, Kind.CREATE, import_data=ROWS)
    Operation.objects.filter(pk=made["cancelled"].pk).update(
        status=Status.CANCELLED, finished_at=made["cancelled"].queued_at
    )
    return made


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "succeeded failed cancelled queued"),
        ("sort=-id", "queued cancelled failed succeeded"),
        ("filter[status]=queued", "queued"),
        ("filter[status]=queued,running", "queued"),
        ("filter[status]=running", ""),
        ("filter[status]=failed,cancelled", "failed cancelled"),
        ("filter[status][]=succeeded&filter[status][]=queued", "succeeded queued"),
        ("filter[kind]=import", "succeeded failed"),
        ("filter[kind]=create,revert", "cancelled queued"),
        ("filter[kind]=update", ""),
        ("filter[import_id]={import_}", "succeeded failed cancelled"),
        ("filter[import_id]={import_}&filter[status]=failed", "failed"),
        ("filter[import_id]=0", ""),
        ("page[size]=2&page[number]=2", "cancelled queued"),
    ],
)
def test_operations_are_listed_by_filters(api: ApiClient, listed: dict[str, Operation], query: str, found: str) -> None:
    names = {str(operation.pk): name for name, operation in listed.items()}

    response = api.get(f"operations?{query.format(import_=listed['failed'].import_record_id)}")

    assert response.status_code == 200, response.content
    assert " ".join(names[each["id"]] for each in document_of(response)["data"]) == found
    assert "Retry-After" not in response.headers


def test_a_running_operation_is_found_as_running_only(api: ApiClient, listed: dict[str, Operation]) -> None:
    def find(status: str) -> list[str]:
        return [each["id"] for each in document_of(api.get(f"operations?filter[status]={status}"))["data"]]

    with claimed(listed["queued"]):
        assert find("running") == find("queued,running") == [str(listed["queued"].pk)]
        assert find("queued") == []


@pytest.mark.parametrize(
    ("query", "code", "detail"),
    [
        ("filter[status]=done", "unsupported_filter_value", "Filter 'status' does not support this value"),
        ("filter[kind]=delete", "unsupported_filter_value", "Filter 'kind' does not support this value"),
        ("filter[import_id]=x", "unsupported_filter_value", "Filter 'import_id' does not support this value"),
        ("filter[creator]=1", "unsupported_filter", "Filter 'creator' is not supported on this endpoint"),
        ("sort=status", "unsupported_sort", "Sort by 'status' is not supported on this endpoint"),
        ("include=organization", "unsupported_include", "Include 'organization' is not supported on this endpoint"),
    ],
)
def test_other_parameters_are_refused(api: ApiClient, query: str, code: str, detail: str) -> None:
    response = api.get(f"operations?{query}")

    assert_error(response, 400, code, detail, source={"parameter": query.partition("=")[0]})


def test_operations_are_not_created_or_written(api: ApiClient) -> None:
    for method, path in (("POST", "operations"), ("PATCH", "operations/1")):
        assert_error(
            api.request(method, path), 405, "method_not_allowed", "This method is not allowed on this endpoint"
        )
