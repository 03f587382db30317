"""Metrics as Prometheus' own parser reads them: sums over all processes, and what is in the database."""

from __future__ import annotations

import socket
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest

from importsvc.monitoring.exporter import DatabaseCollector
from importsvc.operations.models import Kind, Operation, Status
from importsvc.webhooks.models import DeliveryStatus, WebhookDelivery
from people.services import NewOrganization
from tests.builders import make_delivery, make_endpoint
from tests.client import ApiClient
from tests.command_line import start
from tests.monitoring.scraping import Samples, parse, scrape, select
from tests.operations.queueing import create, queue
from tests.operations.workers import wait_until
from tests.ports import find_port
from tests.service import run_service

ROWS = {"company": [{"name": "Acme Ltd"}], "person": [{"First Name": "Ann", "Company": "Acme Ltd"}]}


@pytest.fixture
def keep_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scrape closes its connection, which is here that of the test's transaction."""
    monkeypatch.setattr(connection, "close", lambda: None)


def collect(collector: DatabaseCollector | None = None) -> Samples:
    registry = CollectorRegistry()
    registry.register(collector or DatabaseCollector())
    return parse(generate_latest(registry).decode())


@pytest.mark.django_db(transaction=True)
def test_requests_are_summed_over_the_processes_that_handled_them(acme: NewOrganization, tmp_path: Path) -> None:
    port = find_port()
    files = tmp_path / f"metrics-{port}"
    settings = {"METRICS_PORT": str(port), "WEB_CONCURRENCY": "2", "VAR_DIR": str(tmp_path), "WORKERS": "0"}
    # What another service has left.
    files.mkdir()
    (files / "counter_1.db").write_bytes(b"x" * 100)
    with run_service(**settings) as service:
        sent = 0

        def has_reached_both() -> bool:
            nonlocal sent
            for _ in range(10):
                assert service.send(acme, "GET", "people").status == 200
            sent += 10
            return len(list(files.glob("counter_*.db"))) == 2

        wait_until(has_reached_both)
        assert service.send(acme, "GET", "imports/7").status == 404
        assert service.send(acme, "BANANA", "people").status == 405
        samples = scrape(port)

    assert select(samples, "importsvc_http_requests_total") == {
        ("GET", "/api/v2/people", "200"): sent,
        ("GET", "/api/v2/imports/{pk}", "404"): 1,
        ("OTHER", "/api/v2/people", "405"): 1,
    }
    counts = select(samples, "importsvc_http_request_duration_seconds_count")
    assert counts == {
        ("GET", "/api/v2/people"): sent,
        ("GET", "/api/v2/imports/{pk}"): 1,
        ("OTHER", "/api/v2/people"): 1,
    }
    assert samples["importsvc_database_up", ()] == 1


@pytest.mark.django_db(transaction=True)
def test_a_port_that_is_taken_is_named(acme: NewOrganization, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("METRICS_PORT", str(port))
        monkeypatch.setenv("PORT", str(find_port()))
        with start("serve") as process:
            output, _ = process.communicate(timeout=60)

    assert (process.returncode, output) == (
        1,
        f"CommandError: METRICS_PORT {port} cannot be used: Address already in use.\n",
    )


@pytest.mark.usefixtures("keep_connection")
def test_operations_are_counted_by_kind_and_status(acme: NewOrganization) -> None:
    first = queue(acme, Kind.IMPORT, create(acme))
    queue(acme, Kind.IMPORT, create(acme))
    done = queue(acme, Kind.REVERT, create(acme))
    Operation.objects.filter(pk=done.pk).update(status=Status.FAILED, finished_at=timezone.now())
    Operation.objects.filter(pk=first.pk).update(queued_at=timezone.now() - timedelta(hours=1))

    samples = collect()

    expected = {(kind.value, status): 0.0 for kind in Kind for status in (*Status.values, "running")}
    expected |= {("import", "queued"): 2, ("revert", "failed"): 1}
    assert select(samples, "importsvc_operations") == expected
    assert 3600 <= samples["importsvc_operations_oldest_queued_seconds", ()] < 4600


@pytest.mark.usefixtures("keep_connection")
def test_an_empty_queue_has_no_age(db: None) -> None:
    samples = collect()

    assert samples["importsvc_operations_oldest_queued_seconds", ()] == 0
    assert samples["importsvc_webhook_deliveries_oldest_pending_seconds", ()] == 0


@pytest.mark.usefixtures("keep_connection")
def test_rows_are_counted_by_type_and_outcome(api: ApiClient) -> None:
    first = api.run(ROWS)
    api.run({"company": [{"name": "One"}, {"name": "Two"}]})
    api.stage({"company": [{"name": "Three"}]})
    api.request("PATCH", f"imports/{first}/revert")

    rows = select(collect(), "importsvc_rows_total")

    assert {labels: count for labels, count in rows.items() if count} == {
        ("created", "company"): 3,
        ("created", "person"): 1,
        ("reverted", "company"): 1,
        ("reverted", "person"): 1,
    }


@pytest.mark.usefixtures("keep_connection")
def test_workers_and_connections_are_counted(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET application_name = 'importsvc worker elsewhere:1'")
        samples = collect()
        cursor.execute("RESET application_name")
        cursor.execute("SHOW max_connections")
        (limit,) = cursor.fetchone()

    assert samples["importsvc_workers", ()] >= 1
    assert samples["importsvc_database_connections", (("state", "active"),)] >= 1
    assert samples["importsvc_database_connections_max", ()] == int(limit)


@pytest.mark.usefixtures("keep_connection")
def test_what_is_finished_is_not_counted_with_each_scrape(api: ApiClient) -> None:
    collector = DatabaseCollector()
    assert select(collect(collector), "importsvc_rows_total") == {}
    api.run(ROWS)

    assert select(collect(collector), "importsvc_rows_total") == {}
    assert select(collect(DatabaseCollector()), "importsvc_rows_total") != {}
    assert select(collect(DatabaseCollector(history_seconds=-1)), "importsvc_rows_total") != {}


@pytest.mark.usefixtures("keep_connection")
def test_deliveries_are_counted_by_status(acme: NewOrganization) -> None:
    endpoint = make_endpoint(organization=acme.organization, url="https://acme.test/")
    for number in range(3):
        make_delivery(
            endpoint=endpoint, event_id=f"msg_{number}", created_at=timezone.now() - timedelta(minutes=number)
        )
    delivered = WebhookDelivery.objects.order_by("created_at")[0]
    WebhookDelivery.objects.filter(pk=delivered.pk).update(
        status=DeliveryStatus.DELIVERED, next_attempt_at=None, delivered_at=timezone.now()
    )

    samples = collect()

    assert select(samples, "importsvc_webhook_deliveries") == {("pending",): 2, ("delivered",): 1, ("failed",): 0}
    assert 60 <= samples["importsvc_webhook_deliveries_oldest_pending_seconds", ()] < 120
