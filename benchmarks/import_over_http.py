"""An import over HTTP against a bare COPY of the same rows into the same tables, in one run.

    python -m benchmarks.import_over_http [PEOPLE]

Starts the service on a free port and an embedded database of its own in a temporary folder, stages one row, and sends
PEOPLE (100,000) people and a tenth as many companies in the body of ``POST …/import``. Then reverts, and copies the
very rows back with nothing but COPY. That is done ROUNDS times; medians are printed.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import psutil
import psycopg2

ROUNDS = 5
TABLES = {"companies_company": "company", "people_person": "person"}


@dataclass(frozen=True)
class Service:
    """A running service of our own."""

    url: str
    process: psutil.Process
    token: str
    organization_id: int
    socket_folder: Path

    def send(self, method: str, path: str, body: bytes | None = None) -> Any:
        """A request; returns the decoded answer, and raises for anything but success."""
        request = urllib.request.Request(f"{self.url}/api/v2/{path}", data=body, method=method)
        request.add_header("X-Auth-Token", self.token)
        request.add_header("X-Organization-Id", str(self.organization_id))
        request.add_header("Content-Type", "application/vnd.api+json")
        with urllib.request.urlopen(request) as response:
            return json.load(response)

    def peak_memory(self) -> int:
        """Bytes that the largest of the service's processes has ever held."""
        peaks = []
        for process in self.process.children(recursive=True):
            if "gunicorn" in " ".join(process.cmdline()):
                status = Path(f"/proc/{process.pid}/status").read_text()
                peaks.append(int(status.split("VmHWM:")[1].split()[0]) * 1024)
        return max(peaks)


def main(people: int) -> None:
    """Measure and print."""
    body = make_document({"company": make_companies(people // 10), "person": make_people(people)})
    with run_service() as service:
        idle = service.peak_memory()
        rounds = [measure_round(service, body) for _ in range(ROUNDS)]
        peak = service.peak_memory()
    imported, reverted, copied = map(statistics.median, zip(*rounds, strict=True))
    count = people + people // 10
    print(f"{people:,} people and {people // 10:,} companies, a body of {len(body) / 1e6:.1f} MB, {ROUNDS} rounds")
    for name, seconds, ratio in (
        ("import over HTTP", imported, f"{imported / copied:.2f} × bare COPY"),
        ("revert over HTTP", reverted, f"{reverted / imported:.2f} × import"),
        ("bare COPY", copied, ""),
    ):
        print(f"{name:<17} {seconds:6.2f} s {count / seconds:9,.0f} rows/s   {ratio}")
    print(f"peak memory of the worker: {peak / 1e6:.0f} MB (idle {idle / 1e6:.0f} MB)")


def measure_round(service: Service, body: bytes) -> tuple[float, float, float]:
    """Seconds of an import, its revert, and a bare COPY of the rows that the import made."""
    import_id = service.send("POST", "imports", make_document({"company": [{"name": "One"}]}))["data"]["id"]
    imported = timed(lambda: service.send("POST", f"imports/{import_id}/import", body))
    with closing(psycopg2.connect(host=service.socket_folder, user="postgres", dbname="importsvc")) as connection:
        rows = read_rows(connection, int(import_id))
        reverted = timed(lambda: service.send("PATCH", f"imports/{import_id}/revert"))
        copied = timed(lambda: copy_rows(connection, rows))
        delete_rows(connection, rows)
    return imported, reverted, copied


@contextmanager
def run_service() -> Iterator[Service]:
    """The service with a database of its own, gone afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="importsvc-") as folder:
        environment = {**os.environ, "VAR_DIR": folder, "PORT": str(port), "WEB_CONCURRENCY": "1", "THREADS": "1"}
        environment.pop("DATABASE_URL", None)
        command = [sys.executable, "manage.py", "serve"]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            while "Listening" not in (process.stdout.readline() if process.stdout else "Listening"):
                if process.poll() is not None:
                    raise SystemExit("The service did not start")
            demo = json.loads((Path(folder) / "demo.json").read_text())
            pid_file = Path(folder) / "postgres" / "data" / "postmaster.pid"
            socket_folder = pid_file.parent / pid_file.read_text().splitlines()[4]
            url = f"http://127.0.0.1:{port}"
            yield Service(url, psutil.Process(process.pid), demo["token"], demo["organization_id"], socket_folder)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def make_document(import_data: Any) -> bytes:
    """The body of a request that brings these rows."""
    return json.dumps({"data": {"type": "imports", "attributes": {"import_data": import_data}}}).encode()


def make_companies(count: int) -> list[dict[str, str]]:
    """Rows like the published one."""
    return [{"name": f"Company {number}"} for number in range(count)]


def make_people(count: int) -> list[dict[str, str]]:
    """Rows like the published one, ten to a company."""
    return [
        {
            "Company": f"Company {number // 10}",
            "First Name": f"John{number}",
            "Last Name": "Doe",
            "Email": f"john{number}@mail.com",
            "Title": "Contact",
        }
        for number in range(count)
    ]


def read_rows(connection: Any, import_id: int) -> dict[str, bytes]:
    """What the import made, as COPY text by table."""
    rows = {}
    for table, type_name in TABLES.items():
        made = f"SELECT record_id FROM imports_change WHERE import_id = {import_id} AND record_type = '{type_name}'"
        text = BytesIO()
        with connection.cursor() as cursor:
            cursor.copy_expert(f"COPY (SELECT * FROM {table} WHERE id IN ({made}) ORDER BY id) TO STDOUT", text)
        rows[table] = text.getvalue()
    connection.commit()
    return rows


def copy_rows(connection: Any, rows: dict[str, bytes]) -> None:
    """Nothing but COPY, and the commit."""
    with connection.cursor() as cursor:
        for table, text in rows.items():
            cursor.copy_expert(f"COPY {table} FROM STDIN", BytesIO(text))
    connection.commit()


def delete_rows(connection: Any, rows: dict[str, bytes]) -> None:
    """Make room for the next round, and leave the tables as a fresh import finds them."""
    with connection.cursor() as cursor:
        for table, text in reversed(rows.items()):
            ids = [int(line.split(b"\t", 1)[0]) for line in text.splitlines()]
            cursor.execute(f"DELETE FROM {table} WHERE id BETWEEN {min(ids)} AND {max(ids)}")
    connection.commit()
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE people_person, companies_company")
    connection.autocommit = False


def timed(work: Callable[[], Any]) -> float:
    """Seconds that the work took."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
