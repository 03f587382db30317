"""What grows with the rows: time of an import and its revert, memory of both, and deep pages."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from benchmarks import bare_copy, memory
from benchmarks.database import clear_imports, find_backends
from benchmarks.importing import LONGEST_SECONDS, check_count, time_import, time_revert
from benchmarks.rows import make_body, make_rows
from benchmarks.service import PRODUCT, Caller, Client, Service, run_service
from benchmarks.tables import (
    Figure,
    Row,
    Section,
    compare_difference,
    compare_ratio,
    megabytes,
    milliseconds,
    seconds,
)

Result = TypeVar("Result")

PAGE_ROUNDS = 15
SETTLE_SECONDS = 2.0

# Of a measurement that must not grow with its rows, how much more is allowed.
FLAT = 1.2

GIVEN_UP = "given up before it was done"


@dataclass(frozen=True)
class Sizes:
    """How much is large."""

    people: int
    large_people: int
    large_rounds: int
    deep_page: int

    @property
    def growth(self) -> float:
        """How many times the time of ``people`` that of ``large_people`` may be: 12 times for 10 times as many."""
        return 1.2 * self.large_people / self.people


@dataclass(frozen=True)
class Peaks:
    """The most bytes that a request made the processes hold: the worker in all, the backend of its own.

    ``complete`` is false for a revert that was given up: nobody knows what more it would have taken.
    """

    worker: int
    backend: int
    complete: bool = True


@dataclass
class Samples:
    """What the rounds of the large import measured, a value for each round: seconds and bytes."""

    imports: list[float] = field(default_factory=list)
    reverts: list[float] = field(default_factory=list)
    copies: list[float] = field(default_factory=list)
    import_peaks: list[Peaks] = field(default_factory=list)
    revert_peaks: list[Peaks] = field(default_factory=list)
    copy_peaks: list[int] = field(default_factory=list)
    afterwards: list[int] = field(default_factory=list)
    pages: dict[int, list[float]] = field(default_factory=dict)


def measure(service: Service, caller: Caller, sizes: Sizes, imported: Figure, reverted: Figure) -> list[Section]:
    """The tables of time, of pages and, where the system tells, of memory.

    Takes a service that has not done anything large yet, and the medians of an import and a revert of
    ``sizes.people`` in the same run.
    """
    client = Client(service.port, caller)
    idle = _read_idle(service, client)
    body = make_body(make_rows(sizes.large_people))
    samples = Samples()
    for number in range(sizes.large_rounds):
        print(f"  round {number + 1} of {sizes.large_rounds}", flush=True)
        _measure_round(samples, client, caller, body, sizes)
    print("  memory", flush=True)
    _measure_memory(samples, service, client, caller, body)
    few, more = (_measure_small_revert(client, caller, people) for people in (sizes.people // 10, sizes.people))
    sections = [_tabulate_growth(samples, sizes, imported, reverted), _tabulate_pages(samples, sizes)]
    if memory.is_available():
        sections.append(_tabulate_memory(samples, sizes, len(body), idle, few, more))
    return sections


def _measure_round(samples: Samples, client: Client, caller: Caller, body: bytes, sizes: Sizes) -> None:
    clear_imports()
    took, import_id = time_import(client, body)
    samples.imports.append(took)
    check_count(sizes.large_people + sizes.large_people // 10)
    text = bare_copy.read_rows()
    if not samples.pages:
        samples.pages = _measure_pages(client, sizes.deep_page)
    with run_service(PRODUCT) as another:
        samples.reverts.append(time_revert(_warm_up(another, caller), import_id))
    clear_imports()
    samples.copies.append(bare_copy.time_copy(text))
    if not samples.copy_peaks:
        samples.copy_peaks.append(bare_copy.measure_memory(text))


def _measure_memory(samples: Samples, service: Service, client: Client, caller: Caller, body: bytes) -> None:
    """Once more, watched: to look at a process's memory all the time slows it down."""
    clear_imports()
    client.send("GET", "/api/v2/people")  # or it may have no backend yet that could be watched
    (_, import_id), peaks = _watch(service, frozenset(), lambda: time_import(client, body))
    samples.import_peaks.append(peaks)
    samples.afterwards.append(_read_idle(service, client))
    samples.revert_peaks.append(_revert(caller, import_id))
    clear_imports()


def _measure_small_revert(client: Client, caller: Caller, people: int) -> Peaks:
    """What the revert of so many people takes in memory."""
    clear_imports()
    _, import_id = time_import(client, make_body(make_rows(people)))
    peaks = _revert(caller, import_id)
    clear_imports()
    return peaks


def _warm_up(service: Service, caller: Caller) -> Client:
    """A client of a service that has been asked something."""
    client = Client(service.port, caller)
    client.send("GET", "/api/v2/people")
    return client


def _revert(caller: Caller, import_id: str) -> Peaks:
    """What a revert by a new worker and backend, which hold nothing of the import, takes in memory."""
    others = frozenset(find_backends())
    with run_service(PRODUCT) as service:
        client = _warm_up(service, caller)
        took, peaks = _watch(service, others, lambda: time_revert(client, import_id))
        return replace(peaks, complete=took < LONGEST_SECONDS)


def _watch(service: Service, others: frozenset[int], work: Callable[[], Result]) -> tuple[Result, Peaks]:
    """Do the work, and tell what it made the service's processes hold; ``others`` are backends that are not its."""
    worker = service.worker_id()
    memory.reset_peak(worker)
    with memory.watch_private_peak([pid for pid in find_backends() if pid not in others]) as backend:
        result = work()
    return result, Peaks(memory.read_peak(worker), backend.bytes)


def _read_idle(service: Service, client: Client) -> int:
    """What the worker holds when it has nothing to do, a moment and a small request later."""
    time.sleep(SETTLE_SECONDS)
    client.send("GET", "/api/v2/people")
    return memory.read_current(service.worker_id())


def _measure_pages(client: Client, deep_page: int) -> dict[int, list[float]]:
    """Seconds of the first page of people and of a deep one, in turn."""
    samples: dict[int, list[float]] = {1: [], deep_page: []}
    for _ in range(PAGE_ROUNDS):
        for page, taken in samples.items():
            taken.append(client.time("GET", f"/api/v2/people?page%5Bnumber%5D={page}")[0])
    return samples


def _tabulate_growth(samples: Samples, sizes: Sizes, imported: Figure, reverted: Figure) -> Section:
    section = Section(f"Growth to {sizes.large_people:,} people")
    section.notes.append(
        f"Medians of {sizes.large_rounds} rounds. A revert that takes longer than {LONGEST_SECONDS}"
        " seconds is given up, and counts as if it took that long."
    )
    base = f"that of {sizes.people:,}"
    times, revert_times, copies = seconds(samples.imports), seconds(samples.reverts), seconds(samples.copies)
    section.rows = [
        Row("bare COPY of the records", copies),
        compare_ratio("import", times, imported, base, at_most=sizes.growth),
        compare_ratio("import", times, copies, "bare COPY", at_most=2.0),
        compare_ratio("revert", revert_times, reverted, base, at_most=sizes.growth),
        compare_ratio("revert", revert_times, times, "import", at_most=1.3),
    ]
    return section


def _tabulate_pages(samples: Samples, sizes: Sizes) -> Section:
    section = Section(f"Deep pages of {sizes.large_people:,} people")
    section.notes.append(f"Pages of 30; medians of {PAGE_ROUNDS}, one after the other in turn.")
    first, deep = milliseconds(samples.pages[1]), milliseconds(samples.pages[sizes.deep_page])
    section.rows = [
        Row("page 1", first),
        compare_ratio(f"page {sizes.deep_page:,}", deep, first, "page 1", at_most=10),
    ]
    return section


def _tabulate_memory(samples: Samples, sizes: Sizes, body_bytes: int, idle: int, few: Peaks, more: Peaks) -> Section:
    section = Section("Memory")
    section.notes.append(
        f"One worker with one thread; a body of {body_bytes / 1e6:.0f} MB for {sizes.large_people:,} people. Of the"
        " worker: its peak resident set, which Linux was told to forget before each measurement. Of PostgreSQL's"
        " backend: the most private memory it was seen to hold (it shares its buffers with the others). Each revert is"
        " done by a new worker and backend."
    )
    large, usual, small = f"{sizes.large_people:,}", f"{sizes.people:,}", f"that of {sizes.people // 10:,}"
    import_worker = megabytes([peaks.worker for peaks in samples.import_peaks])
    afterwards, before, body = megabytes(samples.afterwards), megabytes([idle]), megabytes([body_bytes])
    complete = few.complete and more.complete
    given_up = "" if all(peaks.complete for peaks in samples.revert_peaks) else GIVEN_UP
    section.rows = [
        Row("worker, idle", before),
        compare_ratio(f"worker, import of {large}", import_worker, body, "the body", at_most=5),
        compare_difference("worker, when that is done", afterwards, before, "idle", at_most=50),
        Row(f"backend, import of {large}", megabytes([peaks.backend for peaks in samples.import_peaks])),
        Row(f"backend, bare COPY of {large}", megabytes(samples.copy_peaks)),
        _compare_flat(f"worker, revert of {usual}", more.worker, few.worker, small, complete),
        _compare_flat(f"backend, revert of {usual}", more.backend, few.backend, small, complete),
        Row(f"worker, revert of {large}", megabytes([peaks.worker for peaks in samples.revert_peaks]), given_up),
        Row(f"backend, revert of {large}", megabytes([peaks.backend for peaks in samples.revert_peaks]), given_up),
    ]
    return section


def _compare_flat(what: str, more: int, few: int, name: str, complete: bool) -> Row:
    row = compare_ratio(what, megabytes([more]), megabytes([few]), name, at_most=FLAT)
    return row if complete else replace(row, compared=GIVEN_UP, reached=False)
