"""How long starting takes, and what a worker that waits holds."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import memory
from benchmarks.rows import make_body
from benchmarks.service import PRODUCT, Caller, Client, run_service
from benchmarks.tables import Row, Section, compare_limit, megabytes, seconds

FEW_ROWS = {"company": [{"name": "Start"}], "person": [{"Company": "Start", "First Name": "John"}]}


def measure(caller: Caller, rounds: int) -> Section:
    """The table."""
    checks, starts, idles = [], [], []
    # One more, not counted, so that the disk is warm.
    for _ in range(rounds + 1):
        checks.append(_time_check())
        started, idle = _measure_start(caller)
        starts.append(started)
        idles.append(idle)
    section = Section("Start and idle")
    section.notes.append(
        f"Medians of {rounds} starts on a warm disk; the database runs. From the start of `manage.py serve` to the end"
        " of the answer to the first request; then the resident set of the one worker, after lists of everything, an"
        " import and its revert."
    )
    section.rows = [
        compare_limit("`manage.py check`", seconds(checks[1:]), at_most=1.5),
        compare_limit("start to first answer", seconds(starts[1:]), at_most=1.5),
    ]
    idle_figure = megabytes(idles[1:])
    section.rows.append(
        compare_limit("idle worker", idle_figure, at_most=90) if any(idles) else Row("idle worker", idle_figure)
    )
    return section


def _time_check() -> float:
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=Path(__file__).resolve().parent.parent,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": PRODUCT},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - started


def _measure_start(caller: Caller) -> tuple[float, int]:
    started = time.perf_counter()
    with run_service(PRODUCT) as service:
        client = Client(service.port, caller)
        client.time("GET", "/api/v2/imports")
        took = time.perf_counter() - started
        for name in ("imports", "people", "companies"):
            client.send("GET", f"/api/v2/{name}")
        import_id = client.send("POST", "/api/v2/imports", make_body(FEW_ROWS), status=201)["data"]["id"]
        client.send("POST", f"/api/v2/imports/{import_id}/import")
        client.send("PATCH", f"/api/v2/imports/{import_id}/revert")
        idle = memory.read_current(service.worker_id())
        client.close()
    return took, idle
