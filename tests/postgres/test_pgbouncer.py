"""The service through PgBouncer in transaction mode: each transaction may have another connection to PostgreSQL."""

from __future__ import annotations

import csv
import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from importsvc.imports.admin.downloads import CHANGES_AT_ONCE
from people.services import NewOrganization
from tests.operations.workers import wait_until
from tests.ports import find_port
from tests.service import PATIENCE_SECONDS, Service, run_service

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(PGBOUNCER is None, reason="needs PgBouncer: apt install pgbouncer"),
]

COUNT = CHANGES_AT_ONCE + 100


@contextmanager
def pgbouncer() -> Iterator[str]:
    """PgBouncer in front of the server of the tests; gives the ``DATABASE_URL``."""
    given: dict[str, Any] = connection.get_connection_params()
    port = find_port()
    with tempfile.TemporaryDirectory(prefix="importsvc-") as folder:
        Path(folder).chmod(0o755)
        file = Path(folder) / "pgbouncer.ini"
        places = {name: given[name] for name in ("host", "port", "user", "password") if name in given}
        # Two connections, used in turn.
        file.write_text(
            f"[databases]\n* = {' '.join(f'{name}={value}' for name, value in places.items())}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
            "pool_mode = transaction\ndefault_pool_size = 2\nmin_pool_size = 2\nserver_round_robin = 1\n"
        )
        # It refuses to run as root.
        host = Path(str(given.get("host", "/")))
        owner = (host.stat().st_uid if host.is_absolute() else 0) or "nobody"
        account: dict[str, Any] = {"user": owner} if os.geteuid() == 0 else {}
        assert PGBOUNCER
        process = subprocess.Popen([PGBOUNCER, "-q", file], stderr=subprocess.DEVNULL, **account)
        try:
            wait_until(lambda: process.poll() is not None or _is_open(port))
            yield f"postgres://{given['user']}@127.0.0.1:{port}/{given['dbname']}"
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def _is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def download(service: Service, path: str) -> str:
    """A download of the admin, by a superuser."""
    browser = Client()
    browser.force_login(User.objects.create_superuser("root"))
    client = http.client.HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE_SECONDS)
    cookie = f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"
    client.request("GET", path, headers={"Cookie": cookie})
    response = client.getresponse()
    assert response.status == 200
    text = response.read().decode()
    client.close()
    return text


def test_imports_are_made_run_downloaded_and_reverted(acme: NewOrganization) -> None:
    rows = [{"name": f"Company {number}"} for number in range(COUNT)]
    body = json.dumps({"data": {"type": "imports", "attributes": {"import_data": {"company": rows}}}}).encode()
    with pgbouncer() as url, run_service(DATABASE_URL=url, WORKERS="0") as service:
        created = service.send(acme, "POST", "imports", body)
        import_id = created.document["data"]["id"]
        keyed = {"Idempotency-Key": "1"}
        run = [service.send(acme, "POST", f"imports/{import_id}/import", None, **keyed) for _ in range(2)]
        changes = download(service, f"/admin/imports/import/{import_id}/changes.csv")
        preview = service.send(acme, "GET", f"imports/{import_id}/revert")
        reverted = service.send(
            acme, "PATCH", f"imports/{import_id}/revert", None, **{"If-Match": preview.headers["ETag"]}
        )

    assert [reply.status for reply in (created, *run, preview, reverted)] == [201, 200, 200, 200, 200]
    assert run[1].headers["Idempotency-Replayed"] == "true"
    lines = list(csv.reader(changes.splitlines()))
    assert len({line[2] for line in lines[1:]}) == COUNT
    assert acme.organization.companies.count() == 1
