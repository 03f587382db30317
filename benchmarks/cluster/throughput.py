"""Imports of several organizations on one server and on a cluster, side by side: ``script/bench --cluster``.

All servers and workers share this machine, so a cluster has no more cores here: the CPU of each server shows where the
time goes, and what there would be to share. It needs Citus.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Final

from benchmarks.cluster.servers import MISSING, find_programs, own_servers
from benchmarks.cluster.trial import ORGANIZATIONS, ROOT, Trial

PEOPLE: Final = 100_000
QUICK_PEOPLE: Final = 10_000
WORKERS: Final = (1, 2, 4)
NODES: Final = {"one server": 0, "a cluster of three": 3}


def measure(people: int) -> Iterator[str]:
    """The lines of a table; ``people`` are in each import, of which each organization has one."""
    yield "| on | workers | seconds | rows a second | CPU seconds: coordinator or server | each node |"
    yield "|---|---|---|---|---|---|"
    programs = find_programs()
    if programs is None:
        raise SystemExit(MISSING)
    for name, nodes in NODES.items():
        for workers in WORKERS:
            with own_servers(programs, nodes=nodes) as servers:
                trial = Trial(servers, people, workers=0)
                service = trial.start()
                for organization_id in trial.tokens:
                    trial.queue(organization_id)
                before = [server.count_cpu_seconds() for server in servers]
                began = time.monotonic()
                command = [sys.executable, "manage.py", "work", "--concurrency", str(workers)]
                worker = subprocess.Popen(command, cwd=ROOT, env=trial.environment, stderr=subprocess.DEVNULL)
                trial.wait(3600)
                seconds = time.monotonic() - began
                used = [f"{server.count_cpu_seconds() - was:.1f}" for server, was in zip(servers, before, strict=True)]
                for process in (worker, service):
                    process.send_signal(signal.SIGTERM)
                    process.wait()
            rate = people * ORGANIZATIONS / seconds
            yield f"| {name} | {workers} | {seconds:.1f} | {rate:,.0f} | {used[0]} | {', '.join(used[1:]) or '–'} |"
