"""``python -m benchmarks.edge``: how long requests take while slow clients are connected."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

from benchmarks.service import PRODUCT, Caller, Client, run_service
from benchmarks.session import open_session
from benchmarks.slow_clients import keep_open, list_kinds
from benchmarks.tables import Figure, Row, Section, compare_ratio, format_section, percentile, summarize

AT_MOST = 5


@dataclass(frozen=True)
class Sizes:
    """How many clients of each kind are connected, and for how many seconds."""

    clients: int
    seconds: float


FULL = Sizes(clients=50, seconds=60)
QUICK = Sizes(clients=50, seconds=10)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.edge", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="ten seconds of each kind of client, and not a minute")
    quick = parser.parse_args().quick
    with open_session(), run_service(PRODUCT, processes=2, threads=4) as service:
        section = measure(service.port, Caller.of_demo(), QUICK if quick else FULL)
        print(f"{format_section(section)}\n\n{summarize([section])}")


def measure(port: int, caller: Caller, sizes: Sizes) -> Section:
    """The table: the 99th percentile of a request, idle and beside each kind of slow client."""
    section = Section("Slow clients")
    section.notes.append(
        f"99th percentiles of `GET /imports` in {sizes.seconds:g} seconds, by a client that connects for each request,"
        f" while {sizes.clients} others are connected that do what the line says, and connect again when they are"
        " disconnected. Two processes of four threads."
    )
    time_requests(port, caller, 2)  # warms up
    idle = time_requests(port, caller, sizes.seconds)
    section.rows.append(Row("GET, idle", idle))
    for kind in list_kinds(caller):
        with keep_open(port, kind, sizes.clients):
            time.sleep(1)
            taken = time_requests(port, caller, sizes.seconds)
        section.rows.append(compare_ratio(f"GET beside {kind.what}", taken, idle, "idle", at_most=AT_MOST))
    return section


def time_requests(port: int, caller: Caller, seconds: float) -> Figure:
    """The 99th percentile of requests one after the other, with a pause after each."""
    taken: list[float] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline or len(taken) < 2:
        client = Client(port, caller)
        taken.append(client.time("GET", "/api/v2/imports")[0])
        client.close()
        time.sleep(0.01)
    return percentile(taken)


if __name__ == "__main__":
    main()
