"""Probes: live while the process handles requests, ready while it can do so with success."""

from __future__ import annotations

import http.client
import json
import runpy
import signal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.db import connection
from pytest_django import Settings

from importsvc.monitoring.health import Draining
from people.services import NewOrganization
from tests.client import WsgiClient
from tests.monitoring.scraping import scrape, select
from tests.operations.workers import wait_until
from tests.ports import find_port
from tests.postgres.clusters import own_cluster
from tests.service import run_service

OK = (200, {"status": "ok"})


def probe(path: str, **headers: str) -> tuple[int, Any]:
    """The status and the document of a probe."""
    response = WsgiClient().generic("GET", path, headers=headers)
    assert response.headers["Cache-Control"] == "no-store"
    return response.status_code, json.loads(response.content)


def lacking(what: str) -> tuple[int, Any]:
    return 503, {"status": "unavailable", "lacking": what}


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["10.0.0.7:8000", "evil.test", "a b", ""])
def test_probes_are_answered_for_any_host_and_without_a_token(settings: Settings, host: str) -> None:
    settings.WORKERS = 0

    assert probe("/health/live", Host=host) == OK
    assert probe("/health/ready", Host=host) == OK


def test_a_live_process_needs_no_database() -> None:
    # Without the fixture of the database a query would fail.
    assert probe("/health/live") == OK


@pytest.mark.django_db
def test_ready_lacks_a_worker_where_one_is_expected(settings: Settings) -> None:
    settings.WORKERS = 1
    assert probe("/health/ready") == lacking("worker")

    with connection.cursor() as cursor:
        # Statistics stay as they were read first until the transaction ends.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SET application_name = 'importsvc worker elsewhere:1'")
        assert probe("/health/ready") == OK
        cursor.execute("RESET application_name")


@pytest.mark.django_db
def test_ready_lacks_migrations_that_are_not_applied(settings: Settings) -> None:
    settings.WORKERS = 0
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('later', '0001', now())")
        assert probe("/health/ready") == OK
        cursor.execute("DELETE FROM django_migrations WHERE app = 'people'")

    assert probe("/health/ready") == lacking("migrations")


@pytest.mark.django_db
def test_ready_lacks_a_server_while_the_process_ends(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WORKERS = 0
    monkeypatch.setattr(Draining, "has_begun", True)

    assert probe("/health/ready") == lacking("server")
    assert probe("/health/live") == OK


def test_a_process_of_gunicorn_that_gets_sigterm_begins_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Draining, "has_begun", False)
    stopped: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    try:
        runpy.run_path(str(configured.BASE_DIR / "gunicorn.conf.py"))["post_worker_init"](None)
        signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)

    assert (Draining.has_begun, stopped) == (True, [signal.SIGTERM])


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
@pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS"])
def test_probes_have_no_other_methods(path: str, method: str) -> None:
    response = WsgiClient().generic(method, path)

    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/health", "/health/", "/health/readyz", "/health/live/"])
def test_other_paths_are_not_found(db: None, path: str) -> None:
    assert WsgiClient().generic("GET", path).status_code == 404


def get_ready(port: int) -> tuple[int, Any]:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        client.request("GET", "/health/ready", headers={"Host": "10.1.2.3"})
        response = client.getresponse()
        return response.status, json.loads(response.read())
    finally:
        client.close()


def test_ready_is_503_while_postgresql_is_stopped_and_200_when_it_is_back(tmp_path: Path) -> None:
    metrics_port = find_port()
    with own_cluster() as cluster:
        environment = {"DATABASE_URL": cluster.url, "VAR_DIR": str(tmp_path), "METRICS_PORT": str(metrics_port)}
        with run_service(**environment, WORKERS="0", WEB_CONCURRENCY="2") as service:
            wait_until(lambda: get_ready(service.port) == OK)
            assert scrape(metrics_port)["importsvc_database_up", ()] == 1
            cluster.stop()
            assert [get_ready(service.port) for _ in range(4)] == [lacking("database")] * 4
            samples = scrape(metrics_port)
            cluster.start()
            wait_until(lambda: all(get_ready(service.port) == OK for _ in range(4)))
            assert scrape(metrics_port)["importsvc_database_up", ()] == 1

    asked = {name for name, _ in samples if not name.startswith("importsvc_http_")}
    assert (asked, samples["importsvc_database_up", ()]) == ({"importsvc_database_up"}, 0)
    assert select(samples, "importsvc_http_requests_total")["GET", "/health/ready", "503"] == 4


@pytest.mark.django_db(transaction=True)
def test_ready_waits_for_the_worker_that_serve_starts(acme: NewOrganization) -> None:
    with run_service(WORKERS="1") as service:
        wait_until(lambda: get_ready(service.port) == OK)
