"""Importing, creating, updating, refusing and reverting over HTTP, against COPY and django-import-export."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from dataclasses import dataclass

from benchmarks import bare_copy, import_export
from benchmarks.database import cancel_after, clear_imports, count_records, settle
from benchmarks.rows import BAD_EVERY, ImportData, make_body, make_rows, spoil_rows
from benchmarks.service import Client, UnexpectedStatusError
from benchmarks.tables import Row, Section, compare_ratio, compare_speed, seconds
from importsvc.changelog.models import Change
from organizations.models import Organization

# A revert that takes longer is given up.
LONGEST_SECONDS = 120

ONE_ROW = make_body({"company": [{"name": "One"}]})


@dataclass(frozen=True)
class Sizes:
    """How much of what is measured."""

    people: int
    validated_people: int
    rounds: int


def measure(client: Client, organization: Organization, sizes: Sizes) -> Section:
    """The table."""
    rows, bad_rows = make_rows(sizes.people), make_rows(sizes.people)
    few_rows = make_rows(sizes.validated_people)
    bad_count = spoil_rows(bad_rows)
    body, bad_body = make_body(rows), make_body(bad_rows)
    samples: defaultdict[str, list[float]] = defaultdict(list)
    for number in range(sizes.rounds):
        print(f"  round {number + 1} of {sizes.rounds}", flush=True)
        _measure_round(samples, client, organization, (rows, few_rows), (body, bad_body), bad_count)
    section = _tabulate(samples, sizes)
    section.notes.append(
        f"{sizes.people:,} people and {sizes.people // 10:,} companies, a body of {len(body) / 1e6:.1f} MB;"
        f" medians of {sizes.rounds} rounds, each of which does everything in this table once, one after the other."
    )
    section.notes.append(
        f"Of the bad import one row in {BAD_EVERY} is bad ({bad_count:,} in all): a wrong address, a blank name, an"
        " unknown company, a text too long. That all of them are reported or counted, and that nothing is written, is"
        " checked in each round."
    )
    section.notes.append(
        f"django-import-export validates {sizes.validated_people:,} people and {sizes.validated_people // 10:,}"
        " companies, and its time is multiplied: it asks the database for every row, so it grows with the rows."
    )
    section.notes.append(f"A revert that takes longer than {LONGEST_SECONDS} seconds is given up, and counts as that.")
    return section


def time_import(client: Client, body: bytes) -> tuple[float, str]:
    """Seconds that an import with its rows in the body takes, and its id."""
    import_id = stage(client)
    settle()
    took, _ = client.time("POST", f"/api/v2/imports/{import_id}/import", body)
    return took, import_id


def time_revert(client: Client, import_id: str) -> float:
    """Seconds that the revert takes; one that takes longer than ``LONGEST_SECONDS`` is given up.

    Otherwise only the demo's records are left.
    """
    settle()
    started = time.perf_counter()
    try:
        with cancel_after(LONGEST_SECONDS):
            took, _ = client.time("PATCH", f"/api/v2/imports/{import_id}/revert")
    except UnexpectedStatusError:
        if (took := time.perf_counter() - started) < LONGEST_SECONDS:
            raise
        print(f"  a revert was given up after {took:.0f} s", flush=True)
        return took
    check_count(0)
    return took


def stage(client: Client) -> str:
    """Create an import of one row and return its id."""
    return str(client.send("POST", "/api/v2/imports", ONE_ROW, status=201)["data"]["id"])


def check_count(expected: int) -> None:
    """Refuse to go on if there are not as many records, besides the demo's, as there should be."""
    found = count_records()
    if found != expected:
        raise SystemExit(f"{found:,} records instead of {expected:,}")


def check_errors(content: bytes, expected: int) -> None:
    """Refuse to go on if an answer does not report or count as many row errors as there should be."""
    (error,) = json.loads(content)["errors"]
    reported = sum(map(len, error["detail"].values()))
    counted = error.get("meta", {}).get("error_count", reported)
    if counted != expected:
        raise SystemExit(f"{counted:,} errors instead of {expected:,}")


def _measure_round(
    samples: dict[str, list[float]],
    client: Client,
    organization: Organization,
    rows: tuple[ImportData, ImportData],
    bodies: tuple[bytes, bytes],
    bad_count: int,
) -> None:
    all_rows, few_rows = rows
    body, bad_body = bodies
    count = sum(map(len, all_rows.values()))

    clear_imports()
    settle()
    samples["create"].append(client.time("POST", "/api/v2/imports", body, status=201)[0])
    import_id = stage(client)
    settle()
    samples["update"].append(client.time("PATCH", f"/api/v2/imports/{import_id}", body)[0])

    clear_imports()
    samples["bad"].append(_time_refusal(client, bad_body, bad_count))

    clear_imports()
    took, import_id = time_import(client, body)
    samples["import"].append(took)
    check_count(count)
    text = bare_copy.read_rows()
    samples["revert"].append(time_revert(client, import_id))

    samples["copy"].append(bare_copy.time_copy(text))

    for name, some_rows, validated in (("unvalidated", all_rows, False), ("validated", few_rows, True)):
        clear_imports()
        took = import_export.time_import(some_rows, organization, validated=validated)
        some_count = sum(map(len, some_rows.values()))
        check_count(some_count)
        samples[name].append(took * count / some_count)
    clear_imports()


def _time_refusal(client: Client, body: bytes, bad_count: int) -> float:
    import_id = stage(client)
    settle()
    took, content = client.time("POST", f"/api/v2/imports/{import_id}/import", body, status=422)
    check_errors(content, bad_count)
    check_count(0)
    if Change.objects.exists():
        raise SystemExit("A refused import wrote into the change log")
    return took


def _tabulate(samples: dict[str, list[float]], sizes: Sizes) -> Section:
    medians = {name: seconds(taken) for name, taken in samples.items()}
    copy, imported = medians["copy"], medians["import"]
    section = Section(f"Import of {sizes.people:,} people")
    section.rows = [
        Row("bare COPY of the records", copy),
        compare_ratio("import", imported, copy, "bare COPY", at_most=2.0),
        compare_ratio("import, what is aimed for", imported, copy, "bare COPY", at_most=1.5),
    ]
    for name, what, at_least in (("unvalidated", "nothing validated", 5), ("validated", "validated", 60)):
        library = f"django-import-export, {what}"
        section.rows += [
            compare_ratio(library, medians[name], copy, "bare COPY"),
            compare_speed("import", imported, medians[name], library, at_least=at_least),
        ]
    section.rows += [
        compare_ratio("1 % bad rows, refused", medians["bad"], imported, "import", at_most=0.5),
        compare_ratio("create", medians["create"], imported, "import", at_most=0.6),
        compare_ratio("update", medians["update"], imported, "import", at_most=0.6),
        compare_ratio("revert", medians["revert"], imported, "import", at_most=1.3),
    ]
    return section
