"""Queued imports done by ``manage.py work``: how many workers do how much, their memory, and how soon a cancel is done.

In the suite, and alone: ``python -m benchmarks.working``.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from benchmarks.session import open_session
from benchmarks.tables import Figure, Row, Section, compare_limit, compare_speed, format_section, megabytes, seconds

WORKERS = (1, 2, 4)
WORKER_MB = 300
CANCEL_SECONDS = 1.0

PATIENCE_SECONDS = 900


@dataclass(frozen=True)
class Sizes:
    """How much is queued.

    Attributes:
        organizations: that share the workers.
        imports: of each organization.
        people: of each of these imports.
        large_people: of the import whose memory is measured, and that is cancelled.
        rounds: of the throughput.
    """

    organizations: int
    imports: int
    people: int
    large_people: int
    rounds: int


QUICK = Sizes(organizations=8, imports=2, people=1_000, large_people=50_000, rounds=1)
FULL = Sizes(organizations=8, imports=10, people=1_000, large_people=1_000_000, rounds=3)


def measure(sizes: Sizes) -> Section:
    """The table; no service may run."""
    from benchmarks import memory

    section = Section("Workers")
    total = sizes.organizations * sizes.imports
    section.notes.append(
        f"{total} imports of {sizes.people:,} people, over {sizes.organizations} organizations, queued at once and done"
        f" by `manage.py work`; medians of {sizes.rounds} rounds, from the commit of the queue to the end of the last"
        f" one. The machine has {os.cpu_count()} cores, which workers share with PostgreSQL: a worker waits while its"
        " backend writes, and the backend while the worker reads, so the cores are the limit of all workers together."
    )
    section.notes.append(
        f"Then one import of {sizes.large_people:,} people, measured once: the peak resident set of its worker, and how"
        " long a cancel takes when half of the rows are written. That no row is left is checked."
    )
    samples: dict[int, list[float]] = {count: [] for count in WORKERS}
    for _ in range(sizes.rounds):
        for count, taken in samples.items():
            taken.append(_time_queue(count, sizes))
    for count, taken in samples.items():
        what = f"{total} imports, {count} {'worker' if count == 1 else 'workers'}"
        section.rows.append(compare_speed(what, seconds(taken), seconds(samples[WORKERS[0]]), "1 worker"))
        rate = sizes.people * total / seconds(taken).value
        section.rows.append(Row("people a second", Figure(rate, "")))
    peak, cancel = _measure_large(sizes)
    name = f"{sizes.large_people:,} people"
    if memory.is_available():
        section.rows.append(compare_limit(f"import of {name}: worker", megabytes([peak]), at_most=WORKER_MB))
    section.rows.append(compare_limit(f"cancel of {name} at half", Figure(cancel, "s"), at_most=CANCEL_SECONDS))
    return section


@contextmanager
def run_workers(count: int) -> Iterator[list[int]]:
    """So many workers, which are connected; gives their process ids."""
    from benchmarks.service import PRODUCT

    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": PRODUCT}
    environment.pop("PGAPPNAME", None)
    command = [sys.executable, "manage.py", "work", "--concurrency", str(count)]
    process = subprocess.Popen(command, cwd=Path(__file__).resolve().parent.parent, env=environment)
    try:
        wait_until(lambda: _count_connected() == count)
        yield [child.pid for child in psutil.Process(process.pid).children()]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _time_queue(workers: int, sizes: Sizes) -> float:
    from django.db import transaction

    from benchmarks.database import count_records

    print(f"  {workers} workers", flush=True)
    _clear()
    queue = [_stage(number, sizes.people, sizes.imports) for number in range(sizes.organizations)]
    before = count_records()
    with run_workers(workers):
        with transaction.atomic():
            # In turn, as requests of several organizations come.
            for number in range(sizes.imports):
                for imports in queue:
                    imports[number]()
        started = time.perf_counter()
        wait_until(lambda: count_queued() == 0)
        took = time.perf_counter() - started
    expected = (sizes.people + sizes.people // 10) * sizes.imports * sizes.organizations
    if count_records() - before != expected:
        raise SystemExit(f"{count_records() - before:,} records instead of {expected:,}")
    return took


def _measure_large(sizes: Sizes) -> tuple[int, float]:
    """The peak of the worker in bytes, and the seconds of a cancel."""
    from benchmarks import memory
    from benchmarks.database import count_records
    from importsvc.imports.models import Import
    from importsvc.operations.models import Operation, Progress
    from importsvc.operations.services import cancel_operation

    print(f"  {sizes.large_people:,} people", flush=True)
    _clear()
    queue = _stage(0, sizes.large_people, 1)[0]
    before, rows = count_records(), sizes.large_people + sizes.large_people // 10
    with run_workers(1) as (worker,):
        queue()
        wait_until(lambda: Progress.objects.filter(phase="writing", done__gte=rows // 2).exists())
        operation = Operation.objects.get()
        started = time.perf_counter()
        cancelled = cancel_operation(organization=operation.organization, operation_id=operation.pk)
        took = time.perf_counter() - started
        if (cancelled.status, Import.objects.get().state, count_records()) != ("cancelled", "created", before):
            raise SystemExit("The cancelled import has left something")
        memory.reset_peak(worker)
        queue()
        wait_until(lambda: count_queued() == 0)
        peak = memory.read_peak(worker)
    if count_records() - before != rows:
        raise SystemExit(f"{count_records() - before:,} records instead of {rows:,}")
    _clear()
    return peak, took


def _clear() -> None:
    """Remove imports, and the people of organizations that ``_stage`` made."""
    from benchmarks.database import clear_imports, execute, last_kept_id
    from people.models import ApiToken, Person

    execute(f"DELETE FROM {ApiToken._meta.db_table} WHERE person_id > {last_kept_id(Person._meta.db_table)}")
    clear_imports()


def _stage(number: int, people: int, imports: int) -> list[Callable[[], object]]:
    """Stage imports of a new organization; gives functions that queue them."""
    from functools import partial

    from benchmarks.rows import make_rows
    from importsvc.imports import services
    from importsvc.operations.models import Kind
    from people.services import create_organization

    created = create_organization(
        name=f"Working {number}", email=f"ada@{number}.test", first_name="Ada", last_name="Lovelace"
    )
    organization, creator = created.organization, created.person
    staged = [
        services.create_import(
            organization=organization, creator=creator, import_data=make_rows(people, prefix=f"N{each}-")
        )
        for each in range(imports)
    ]
    return [
        partial(
            services.queue_operation,
            organization=organization,
            creator=creator,
            kind=Kind.IMPORT,
            import_id=import_.pk,
        )
        for import_ in staged
    ]


def _count_connected() -> int:
    import socket

    from importsvc.operations.worker import count_workers

    return count_workers(socket.gethostname())


def count_queued() -> int:
    """The number of operations that no worker has done."""
    from importsvc.operations.models import Operation, Status

    return Operation.objects.filter(status=Status.QUEUED).count()


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, at most ``PATIENCE_SECONDS``."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("The workers took too long")
        time.sleep(0.01)


def main() -> None:
    """Measure this table only, and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.working", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller data and fewer rounds")
    parser.add_argument("--rounds", type=int, help="of the throughput")
    options = parser.parse_args()
    sizes = QUICK if options.quick else FULL
    sizes = replace(sizes, rounds=options.rounds or sizes.rounds)
    with open_session():
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        _clear()
        print(format_section(measure(sizes)))


if __name__ == "__main__":
    main()
