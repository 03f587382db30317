"""Everything that is measured, in the order in which it is measured."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import (
    bare_copy,
    files,
    importing,
    large,
    memory,
    memory_cases,
    pages,
    serving,
    starting,
    updating,
    waiting,
    working,
)
from benchmarks.database import clear_imports
from benchmarks.rows import make_body, make_rows
from benchmarks.service import PRODUCT, WITH_BASELINES, Caller, Client, run_service
from benchmarks.tables import Section
from organizations.models import Organization


def run(*, quick: bool) -> Iterator[Section]:
    """Measure, and yield each table as soon as it is complete."""
    if quick:
        sizes = importing.Sizes(people=10_000, validated_people=200, rounds=3)
        large_sizes = large.Sizes(people=10_000, large_people=50_000, large_rounds=1, deep_page=1_000)
        memory_sizes = memory_cases.Sizes(people=10_000, large_people=50_000, malformed_rows=250_000)
    else:
        sizes = importing.Sizes(people=100_000, validated_people=5_000, rounds=3)
        large_sizes = large.Sizes(people=100_000, large_people=1_000_000, large_rounds=2, deep_page=10_000)
        memory_sizes = memory_cases.Sizes(people=100_000, large_people=1_000_000, malformed_rows=5_000_000)

    with run_service(PRODUCT) as service:
        caller = Caller.of_demo()
        organization = Organization.objects.get(pk=caller.organization_id)
        clear_imports()
        bare_copy.make_tables()
        client = Client(service.port, caller)
        _warm_up(client)
        _announce(f"Importing {sizes.people:,} people")
        yield importing.measure(client, organization, sizes)
        _announce(f"Updating {sizes.people:,} people")
        yield updating.measure(client, caller, updating.Sizes(people=sizes.people, rounds=sizes.rounds))

    # A new one, which does not yet hold what a larger import left.
    with run_service(PRODUCT) as service:
        client = Client(service.port, caller)
        _warm_up(client)
        _announce(f"Importing {large_sizes.large_people:,} people")
        yield from large.measure(client, caller, large_sizes)

    _announce("Files")
    yield from files.measure(caller, organization, files.QUICK if quick else files.FULL)

    if memory.is_available():
        _announce("Memory")
        yield from memory_cases.measure(caller, memory_sizes)

    _announce("Reading while others import")
    yield waiting.measure(waiting.QUICK if quick else waiting.FULL)
    _announce("Workers")
    yield working.measure(working.QUICK if quick else working.FULL)

    _announce("Pages")
    yield from pages.measure(pages.QUICK if quick else pages.FULL)

    _announce("Starting")
    yield starting.measure(caller, 2 if quick else 5)
    with run_service(WITH_BASELINES) as service:
        _announce("Importing 10 rows")
        yield serving.measure_small(service.port, caller, 15 if quick else 50)
        _announce("Serving")
        yield serving.measure_serving(service.port, 5 if quick else 40)


def _warm_up(client: Client) -> None:
    """Everything once, on few rows, so that nothing that happens only once is measured."""
    _, import_id = importing.time_import(client, make_body(make_rows(1_000)))
    bare_copy.time_copy(bare_copy.read_rows())
    importing.time_revert(client, import_id)
    clear_imports()


def _announce(what: str) -> None:
    print(f"\n{what} …", flush=True)
