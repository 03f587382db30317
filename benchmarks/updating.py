"""Imports that update: against imports of the same rows that create, and so for their reverts."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass

from benchmarks import memory
from benchmarks.database import clear_imports, find_backends, settle
from benchmarks.importing import check_count, time_import, time_revert
from benchmarks.rows import make_body, make_document, make_rows
from benchmarks.service import PRODUCT, Caller, Client, run_service
from benchmarks.tables import Figure, Row, Section, compare_ratio, megabytes, seconds

# How many times as long as creating: comparing, and writing what is there anew.
AT_MOST = 3.0

MEMORY_ROUNDS = 3

# Of a measurement that must not grow with its rows, how much more is allowed.
FLAT = 1.2


@dataclass(frozen=True)
class Sizes:
    """How much of what is measured."""

    people: int
    rounds: int


def measure(client: Client, caller: Caller, sizes: Sizes) -> Section:
    """The table."""
    samples: defaultdict[str, list[float]] = defaultdict(list)
    for number in range(sizes.rounds):
        print(f"  round {number + 1} of {sizes.rounds}", flush=True)
        _measure_round(samples, client, sizes.people)
    medians = {name: seconds(taken) for name, taken in samples.items()}
    section = Section(f"Updating {sizes.people:,} people")
    section.notes.append(
        f"Medians of {sizes.rounds} rounds, each of which imports the people and their companies, imports them again"
        " with another last name and title each, and reverts both. A preview shows the first page of what the second"
        " import would do, or of what its revert would. Of PostgreSQL's backend: the most private memory it was seen to"
        f" hold while it reverted the second import, median of {MEMORY_ROUNDS}."
    )
    section.rows = [
        Row("import that creates", medians["create"]),
        _compare("import that updates", medians["update"], medians["create"], "import that creates"),
        Row("preview of that", medians["preview"]),
        Row("revert of what was created", medians["revert create"]),
        _compare("revert of what was updated", medians["revert update"], medians["revert create"], "revert of created"),
        Row("preview of that", medians["preview revert"]),
    ]
    if memory.is_available():
        few, more = (
            megabytes([_measure_memory(client, caller, people) for _ in range(MEMORY_ROUNDS)])
            for people in (sizes.people // 10, sizes.people)
        )
        base = f"that of {sizes.people // 10:,}"
        section.rows.append(compare_ratio("backend, revert of updates", more, few, base, at_most=FLAT))
    clear_imports()
    return section


def _compare(what: str, figure: Figure, base: Figure, name: str) -> Row:
    return compare_ratio(what, figure, base, name, at_most=AT_MOST)


def _measure_round(samples: dict[str, list[float]], client: Client, people: int) -> None:
    clear_imports()
    rows = make_rows(people)
    took, created = time_import(client, make_body(rows))
    samples["create"].append(took)
    check_count(people + people // 10)
    updated = _stage_update(client, people)
    preview, revert = (f"/api/v2/imports/{updated}/{what}" for what in ("import", "revert"))
    samples["preview"].append(client.time("GET", preview)[0])
    settle()
    samples["update"].append(client.time("POST", preview)[0])
    samples["preview revert"].append(client.time("GET", revert)[0])
    settle()
    samples["revert update"].append(client.time("PATCH", revert)[0])
    samples["revert create"].append(time_revert(client, created))


def _stage_update(client: Client, people: int) -> str:
    """Stage the people with other values and return the import's id."""
    rows = make_rows(people)
    for number, person in enumerate(rows["person"]):
        person["Last Name"] = f"Roe {number}"
        person["Title"] = "Chief"
    body = make_document({"import_data": json.dumps(rows), "on_duplicate": "update"})
    return str(client.send("POST", "/api/v2/imports", body, status=201)["data"]["id"])


def _measure_memory(client: Client, caller: Caller, people: int) -> int:
    """The bytes that a new backend takes to revert an import that updated so many people."""
    clear_imports()
    time_import(client, make_body(make_rows(people)))
    updated = _stage_update(client, people)
    client.send("POST", f"/api/v2/imports/{updated}/import")
    others = frozenset(find_backends())
    with run_service(PRODUCT) as service:
        own = Client(service.port, caller)
        own.send("GET", "/api/v2/people")
        with memory.watch_private_peak([pid for pid in find_backends() if pid not in others]) as backend:
            own.send("PATCH", f"/api/v2/imports/{updated}/revert")
    return backend.bytes
