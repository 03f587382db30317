"""PostgreSQL is stopped and started under load: every response is 503 meanwhile, and nothing has to be restarted."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
from collections import Counter

from django.conf import settings

from organizations.models import Organization
from people.models import Person
from people.services import NewOrganization
from tests.client import error_document
from tests.management.load import Load
from tests.operations.workers import wait_until
from tests.postgres.clusters import own_cluster
from tests.service import PATIENCE_SECONDS, Reply, Service, run_service

IMPORT = b'{"data": {"type": "imports", "attributes": {"import_data": {"company": [{"name": "Greens"}]}}}}'
CREATE = ("POST", "imports", IMPORT)
AWAY = "The database cannot be used at this moment; try again later"


def make_organization(url: str) -> NewOrganization:
    """Migrate the database and make an organization in it."""
    for arguments in (["migrate", "--verbosity", "0"], ["create_organization", "Acme", "--email", "ada@acme.test"]):
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=settings.BASE_DIR,
            env={**os.environ, "DATABASE_URL": url},
            capture_output=True,
            check=True,
        )
    made = json.loads(done.stdout)
    return NewOrganization(Organization(pk=made["organization_id"]), Person(pk=made["person_id"]), made["token"])


class OutageLoad(Load):
    """Six clients, which end when a connection fails.

    Attributes:
        statuses: of the latest 10 responses of each client.
        failures: of connections.
        replies: the responses with other statuses than those of success.
    """

    def __init__(self, service: Service, caller: NewOrganization) -> None:
        super().__init__(service, caller, [("GET", "imports", None), ("GET", "people", None), CREATE] * 2)
        self.failures: list[OSError] = []
        self.statuses: dict[int, list[int]] = {}

    def wait_for(self, *statuses: int) -> None:
        """Wait until the latest responses of all clients have one of these statuses."""
        self.statuses.clear()
        wait_until(
            lambda: (
                self.failures
                or (
                    len(self.statuses) == 6
                    and all(len(latest) >= 10 and {*latest} <= {*statuses} for latest in [*self.statuses.values()])
                )
            ),
            seconds=300,
        )

    def record(self, reply: Reply) -> None:
        """Keep the status of every response, and the others than those of success."""
        latest = self.statuses.get(threading.get_ident(), [])
        self.statuses[threading.get_ident()] = [*latest[-9:], reply.status]
        if reply.status not in (200, 201):
            super().record(reply)

    def record_failure(self, error: OSError) -> bool:
        """Keep the error, and end the client."""
        self.failures.append(error)
        return False


def get_page(service: Service, *, cookie: str) -> Reply:
    """The admin's home."""
    client = http.client.HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE_SECONDS)
    client.request("GET", "/admin/", headers={"Cookie": cookie})
    response = client.getresponse()
    reply = Reply(response.status, dict(response.getheaders()), response.read(), 0)
    client.close()
    return reply


def test_requests_are_refused_while_postgresql_is_stopped_and_are_served_when_it_is_back() -> None:
    with own_cluster() as cluster:
        caller = make_organization(cluster.url)
        with run_service(DATABASE_URL=cluster.url) as service:
            load = OutageLoad(service, caller)
            with load.run():
                load.wait_for(200, 201)
                assert load.replies == []
                cluster.stop()
                load.wait_for(503)
                page = get_page(service, cookie=f"sessionid={'a' * 32}")
                cluster.start()
                load.wait_for(200, 201)
            # The worker is back as well.
            queued = service.send(caller, "POST", "imports", IMPORT, Prefer="respond-async, wait=30")

    assert load.failures == []
    assert Counter(reply.status for reply in load.replies).keys() == {503}
    for reply in load.replies:
        assert reply.document == error_document(503, "service_unavailable", AWAY)
        assert reply.headers["Retry-After"] == "5"
        assert reply.headers["Content-Type"] == "application/vnd.api+json; charset=utf-8"
    assert (page.status, page.headers["Retry-After"]) == (503, "5")
    assert b"<h1>The service cannot be used right now</h1>" in page.content
    assert queued.status == 201
