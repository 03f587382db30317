"""Memory: the most that a worker and its PostgreSQL backend hold while they answer one large request.

Each request is answered by a worker that was started for it and has answered a small one before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from benchmarks import bare_copy, memory
from benchmarks.database import clear_imports, count_staged_rows, find_backends, settle
from benchmarks.importing import LONGEST_SECONDS, check_count, check_errors, stage, time_import, time_revert
from benchmarks.rows import (
    ImportData,
    make_body,
    make_misspelt_body,
    make_object_body,
    make_repeated_body,
    make_rows,
    spoil_rows,
)
from benchmarks.service import PRODUCT, Caller, Client, Service, run_service
from benchmarks.tables import Row, Section, compare_difference, compare_limit, compare_ratio, megabytes

WORKER_MB = 300
BACKEND_MB = 150

SETTLE_SECONDS = 2.0

# Of a measurement that must not grow with its rows, how much more is allowed.
FLAT = 1.2

GIVEN_UP = "given up before it was done"

FORMS: tuple[tuple[str, Callable[[ImportData], bytes]], ...] = (
    ("object form", make_object_body),
    ("string form", make_body),
)


@dataclass(frozen=True)
class Sizes:
    """How much of what is measured; ``malformed_rows`` is how many rows are ``1`` or ``{}``."""

    people: int
    large_people: int
    malformed_rows: int

    @property
    def records(self) -> int:
        """How many records the large import makes."""
        return self.large_people + self.large_people // 10


@dataclass
class Peaks:
    """The most bytes that a request made the processes hold: the worker in all, the backend of its own.

    ``complete`` is false for a revert that was given up: the rest of it might have taken more.
    """

    worker: int = 0
    backend: int = 0
    complete: bool = True


@dataclass(frozen=True)
class FreshWorker:
    """A worker that has answered one small request; no other worker runs."""

    service: Service
    client: Client

    def read_idle(self) -> int:
        """The bytes that the worker holds when it has nothing to do, a moment and a small request later."""
        time.sleep(SETTLE_SECONDS)
        self.client.send("GET", "/api/v2/people")
        return memory.read_current(self.service.worker_id())

    @contextmanager
    def watch(self) -> Iterator[Peaks]:
        """What the block makes the worker and its backend hold; filled in when the block ends."""
        peaks, worker = Peaks(), self.service.worker_id()
        memory.reset_peak(worker)
        with memory.watch_private_peak(find_backends()) as backend:
            yield peaks
        peaks.worker, peaks.backend = memory.read_peak(worker), backend.bytes


def measure(caller: Caller, sizes: Sizes) -> list[Section]:
    """The tables of what is staged and imported, of reverts, and of what is refused; no service may run."""
    imports = Section(f"Memory: {sizes.large_people:,} people")
    imports.notes.append(
        "Measured once. One worker with one thread, started anew for each request. Of the worker: its peak resident"
        " set. Of PostgreSQL's backend: the most private memory it was seen to hold (it shares its buffers with the"
        " others). That all rows are staged or imported is checked."
    )
    imports.notes.append(
        "People and a tenth as many companies. In the object form the rows are a part of the document, in the string"
        " form a text that holds JSON."
    )
    for form, make in FORMS:
        imports.rows += _measure_create(caller, sizes, form, make(make_rows(sizes.large_people)))
    imports.rows += _measure_staged_import(caller, sizes)
    for form, make in FORMS:
        rows, import_id = _measure_import(caller, sizes, form, make(make_rows(sizes.large_people)))
        imports.rows += rows
    return [imports, _measure_reverts(caller, sizes, import_id), _measure_refusals(caller, sizes)]


@contextmanager
def start_worker(caller: Caller) -> Iterator[FreshWorker]:
    """A worker of its own; it has stopped when the block ends."""
    with run_service(PRODUCT) as service:
        client = Client(service.port, caller)
        client.send("GET", "/api/v2/people")
        yield FreshWorker(service, client)
        client.close()  # or the worker waits for another request before it stops


def _measure_create(caller: Caller, sizes: Sizes, form: str, body: bytes) -> list[Row]:
    clear_imports()
    with start_worker(caller) as worker:
        print(f"  create, {form}", flush=True)
        with worker.watch() as peaks:
            worker.client.send("POST", "/api/v2/imports", body, status=201)
    _check_staged(sizes.records)
    return _tabulate(f"create, {form}", peaks, body)


def _measure_staged_import(caller: Caller, sizes: Sizes) -> list[Row]:
    """The import of what another worker has staged."""
    clear_imports()
    body = make_body(make_rows(sizes.large_people))
    with start_worker(caller) as worker:
        import_id = worker.client.send("POST", "/api/v2/imports", body, status=201)["data"]["id"]
    with start_worker(caller) as worker:
        print("  import of staged rows", flush=True)
        settle()
        with worker.watch() as peaks:
            worker.client.send("POST", f"/api/v2/imports/{import_id}/import")
    check_count(sizes.records)
    return _tabulate("import of staged rows", peaks)


def _measure_import(caller: Caller, sizes: Sizes, form: str, body: bytes) -> tuple[list[Row], str]:
    """Rows of the table, and the id of the import; its records are left in place."""
    clear_imports()
    with start_worker(caller) as worker:
        print(f"  import, {form}", flush=True)
        idle = worker.read_idle()
        import_id = stage(worker.client)
        with worker.watch() as peaks:
            worker.client.send("POST", f"/api/v2/imports/{import_id}/import", body)
        afterwards = worker.read_idle()
    check_count(sizes.records)
    rows = _tabulate(f"import, {form}", peaks, body)
    idle_figure, figure = megabytes([idle]), megabytes([afterwards])
    rows.append(compare_difference(f"import, {form}: worker, when done", figure, idle_figure, "idle", at_most=50))
    return rows, import_id


def _measure_reverts(caller: Caller, sizes: Sizes, import_id: str) -> Section:
    """The table of reverts; the large one reverts this import, whose records are all that is there."""
    section = Section("Memory: reverts and bare COPY")
    section.notes.append("Measured as above.")
    copy = bare_copy.measure_memory(bare_copy.read_rows())
    large = _measure_revert(caller, sizes.large_people, import_id)
    small, usual = sizes.people // 10, sizes.people
    few, more = (_measure_revert(caller, people, _import_people(caller, people)) for people in (small, usual))
    given_up = "" if large.complete else GIVEN_UP
    complete, base = few.complete and more.complete, f"that of {small:,}"
    section.rows = [
        _compare_flat(f"revert of {usual:,}: worker", more.worker, few.worker, base, complete),
        _compare_flat(f"revert of {usual:,}: backend", more.backend, few.backend, base, complete),
        Row(f"revert of {sizes.large_people:,}: worker", megabytes([large.worker]), given_up),
        Row(f"revert of {sizes.large_people:,}: backend", megabytes([large.backend]), given_up),
        Row(f"bare COPY of {sizes.large_people:,}: backend", megabytes([copy])),
    ]
    return section


def _import_people(caller: Caller, people: int) -> str:
    """Import so many people, and return the id of the import."""
    clear_imports()
    with start_worker(caller) as worker:
        return time_import(worker.client, make_body(make_rows(people)))[1]


def _measure_revert(caller: Caller, people: int, import_id: str) -> Peaks:
    """What the revert of the import, which made so many people, takes."""
    with start_worker(caller) as worker:
        print(f"  revert of {people:,}", flush=True)
        with worker.watch() as peaks:
            took = time_revert(worker.client, import_id)
    peaks.complete = took < LONGEST_SECONDS
    clear_imports()
    return peaks


def _measure_refusals(caller: Caller, sizes: Sizes) -> Section:
    section = Section("Memory: bodies that create refuses")
    section.notes.append("Measured as above. That all errors are counted and nothing is staged is checked.")
    count, spoilt = sizes.malformed_rows, make_rows(sizes.large_people)
    bad = spoil_rows(spoilt)
    section.rows += _measure_refusal(caller, "1 % bad rows", make_object_body(spoilt), bad)
    section.rows += _measure_refusal(caller, f"{count:,} rows `1`", make_repeated_body(b"1", count), count)
    section.rows += _measure_refusal(caller, f"{count:,} rows `{{}}`", make_repeated_body(b"{}", count), count)
    misspelt = make_misspelt_body(make_rows(sizes.large_people))
    # Each row lacks a first name; the unknown header is an error of the first row only.
    section.rows += _measure_refusal(caller, "a misspelt header in every row", misspelt, sizes.large_people + 1)
    return section


def _measure_refusal(caller: Caller, what: str, body: bytes, errors: int) -> list[Row]:
    clear_imports()
    with start_worker(caller) as worker:
        print(f"  {what}", flush=True)
        with worker.watch() as peaks:
            _, content = worker.client.time("POST", "/api/v2/imports", body, status=422)
    check_errors(content, errors)
    _check_staged(0)
    return _tabulate(what, peaks, body)


def _check_staged(expected: int) -> None:
    """Refuse to go on if there are not as many staged rows as there should be."""
    found = count_staged_rows()
    if found != expected:
        raise SystemExit(f"{found:,} staged rows instead of {expected:,}")


def _tabulate(what: str, peaks: Peaks, body: bytes = b"") -> list[Row]:
    worker, backend = megabytes([peaks.worker]), megabytes([peaks.backend])
    compared = f"a body of {megabytes([len(body)])}" if body else ""
    return [
        compare_limit(f"{what}: worker", worker, at_most=WORKER_MB, compared=compared),
        compare_limit(f"{what}: backend", backend, at_most=BACKEND_MB),
    ]


def _compare_flat(what: str, more: int, few: int, name: str, complete: bool) -> Row:
    row = compare_ratio(what, megabytes([more]), megabytes([few]), name, at_most=FLAT)
    return row if complete else replace(row, compared=GIVEN_UP, reached=False)
