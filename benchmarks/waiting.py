"""How long a short request waits while others import: a person is read, again and again, on the default node.

In the suite, and alone: ``python -m benchmarks.waiting``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.rows import make_body, make_rows
from benchmarks.session import open_session
from benchmarks.tables import Row, Section, compare_ratio, format_section, milliseconds, percentile

if TYPE_CHECKING:
    from benchmarks.service import Client

# The processes, threads and workers of the default node.
PROCESSES, THREADS, WORKERS = 2, 4, 1

IDLE_REQUESTS = 1_000
PAUSE_SECONDS = 0.005

# A client without patience gives up after so long, and sends the request again.
GIVES_UP_SECONDS = 2
RETRIES = 8

AT_MOST = 10


@dataclass(frozen=True)
class Sizes:
    """How large the imports are: three at once, and one whose client gives up."""

    people: int
    large_people: int


QUICK = Sizes(people=20_000, large_people=100_000)
FULL = Sizes(people=100_000, large_people=1_000_000)


def time_reads(read: Callable[[], float], until: Callable[[], bool]) -> list[float]:
    """The seconds that each request takes, one after the other with short pauses, until a condition holds."""
    samples = []
    while not until():
        samples.append(read())
        time.sleep(PAUSE_SECONDS)
    return samples


def count_down(count: int) -> Callable[[], bool]:
    """A condition that holds after it was asked so often."""
    left = iter(range(count))
    return lambda: next(left, None) is None


def measure(sizes: Sizes) -> Section:
    """The table; no service may run."""
    from benchmarks.service import PRODUCT, Caller, Client, run_service
    from people.services import create_organization

    made = [
        create_organization(name=f"Waiting {number}", email="ada@acme.test", first_name="Ada", last_name="Lovelace")
        for number in range(5)
    ]
    with run_service(PRODUCT, processes=PROCESSES, threads=THREADS, workers=WORKERS) as service:
        reader, *clients = [Client(service.port, Caller(each.organization.pk, each.token)) for each in made]
        path = f"/api/v2/people/{made[0].person.pk}"
        sizes_of_imports = [sizes.people] * 3 + [sizes.large_people]
        paths = [_stage(client, people) for client, people in zip(clients, sizes_of_imports, strict=True)]

        def read() -> float:
            return reader.time("GET", path)[0]

        time_reads(read, count_down(100))  # so that every thread is connected
        idle = time_reads(read, count_down(IDLE_REQUESTS))
        with ThreadPoolExecutor(len(clients)) as pool:
            work = [pool.submit(_import, client, path) for client, path in zip(clients[:3], paths, strict=False)]
            work.append(pool.submit(_import_impatiently, clients[3], paths[3]))
            busy = time_reads(read, lambda: all(each.done() for each in work))
        for each in work:
            each.result()
    return _tabulate(idle, busy, sizes)


def _stage(client: Client, people: int) -> str:
    """Stage an import; the path that runs it."""
    created = client.send("POST", "/api/v2/imports", make_body(make_rows(people)), status=201)
    return f"/api/v2/imports/{created['data']['id']}/import"


def _import(client: Client, path: str) -> None:
    """Run an import, again while the service is busy."""
    while client.request("POST", path)[0] == 503:
        time.sleep(1)


def _import_impatiently(client: Client, path: str) -> None:
    """Run an import, give up, send it again, and so on; then wait until it has run."""
    for _ in range(RETRIES):
        with suppress(TimeoutError):
            client.request("POST", path, timeout=GIVES_UP_SECONDS)
    while client.send("GET", path.removesuffix("/import"))["data"]["attributes"]["processed_at"] is None:
        time.sleep(1)


def _tabulate(idle: Sequence[float], busy: Sequence[float], sizes: Sizes) -> Section:
    section = Section("Reading while others import")
    section.notes.append(
        f"`GET /people/{{id}}` over one connection to the default node ({PROCESSES} processes of {THREADS} threads),"
        f" one after the other: {len(idle):,} requests while nothing else runs, and {len(busy):,} while three other"
        f" organizations import {sizes.people:,} people each, and a fourth one {sizes.large_people:,}; its client gives"
        f" up after {GIVES_UP_SECONDS} seconds and sends the request again, {RETRIES} times. All imports are done at"
        " the end. PostgreSQL runs on the same cores."
    )
    alone = percentile(idle)
    section.rows = [
        Row("median, idle", milliseconds(idle)),
        Row("99th percentile, idle", alone),
        Row("median, during the imports", milliseconds(busy)),
        compare_ratio("99th percentile, during the imports", percentile(busy), alone, "idle", at_most=AT_MOST),
    ]
    return section


def main() -> None:
    """Measure this table only, and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.waiting", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller data")
    options = parser.parse_args()
    with open_session():
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        print(format_section(measure(QUICK if options.quick else FULL)))


if __name__ == "__main__":
    main()
