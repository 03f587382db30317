"""Files: from the upload to staged rows and records, the memory of large ones, detection, and a corrected cell.

In the suite, and alone: ``python -m benchmarks.files``.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import xlsxwriter

from benchmarks.session import open_session
from benchmarks.tables import (
    Row,
    Section,
    compare_limit,
    compare_ratio,
    compare_speed,
    format_section,
    megabytes,
    milliseconds,
    seconds,
)

if TYPE_CHECKING:
    from benchmarks.memory_cases import FreshWorker, Peaks
    from benchmarks.service import Caller, Client
    from organizations.models import Organization

CSV, XLSX = "CSV", "XLSX"
MEDIA_TYPES = {CSV: "text/csv", XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}

# Of the time of the import of the same rows as JSON.
STAGED_AT_MOST = {CSV: 0.8, XLSX: 1.5}
WORKER_MB = 300
DETECTION_SECONDS = 2.0
CORRECTION_MS = 50

HEADERS = ("Company", "First Name", "Last Name", "Email", "Title")


@dataclass(frozen=True)
class Sizes:
    """How much of what is measured.

    Attributes:
        people: of the files that are timed.
        large_people: of the file whose memory is measured.
        detected_bytes: of the file whose detection is measured.
        rounds: of what is timed.
        corrections: cells that are corrected.
    """

    people: int
    large_people: int
    detected_bytes: int
    rounds: int
    corrections: int


QUICK = Sizes(people=10_000, large_people=50_000, detected_bytes=15_000_000, rounds=1, corrections=20)
FULL = Sizes(people=100_000, large_people=1_000_000, detected_bytes=150_000_000, rounds=3, corrections=50)


def measure(caller: Caller, organization: Organization, sizes: Sizes) -> list[Section]:
    """The tables; no service may run."""
    from benchmarks import memory
    from benchmarks.service import PRODUCT, Client, run_service

    with run_service(PRODUCT) as service:
        client = Client(service.port, caller)
        _warm_up(client)
        times = _measure_times(client, organization, sizes)
        corrections = _measure_corrections(client, sizes)
        client.close()
    large = Section(f"Files: detection, corrections, and {sizes.large_people:,} people")
    large.notes.append(
        f"Detection reads all {sizes.detected_bytes / 1e6:.0f} MB of a CSV, in process; median of {sizes.rounds}. A"
        f" cell of an import of {sizes.people:,} people is corrected over HTTP; the response has the row as it was"
        f" checked again. Medians of {sizes.corrections} addresses, and of as many names of companies, each with the"
        " references of ten people who are in ten chunks of rows."
    )
    large.notes.append(
        "Memory: measured once, the peak resident set of one worker with one thread, started anew for each request."
    )
    large.rows = [_measure_detection(sizes), *corrections]
    if memory.is_available():
        large.rows += _measure_memory(caller, sizes)
    return [times, large]


def write_csv(people: int) -> bytes:
    """A CSV of the rows of ``make_rows``, a line for each person."""
    from benchmarks.rows import make_rows

    text = io.StringIO()
    writer = csv.DictWriter(text, HEADERS)
    writer.writeheader()
    writer.writerows(make_rows(people)["person"])
    return text.getvalue().encode()


def write_xlsx(people: int) -> bytes:
    """A workbook of the rows of ``make_rows``, a row for each person."""
    from benchmarks.rows import make_rows

    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"constant_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, HEADERS)
        for number, person in enumerate(make_rows(people)["person"], 1):
            sheet.write_row(number, 0, [person[header] for header in HEADERS])
    return content.getvalue()


def _warm_up(client: Client) -> None:
    from benchmarks.database import clear_imports

    clear_imports()
    for kind, content in ((CSV, write_csv(1_000)), (XLSX, write_xlsx(1_000))):
        import_id = _stage(client, kind, content)[2]
        client.send("POST", f"/api/v2/imports/{import_id}/import")
        clear_imports()


def _upload(client: Client, kind: str, content: bytes) -> tuple[float, Any]:
    """Seconds of the upload, and the file."""
    took, response = client.time("POST", "/api/v2/import_files", content, status=201, content_type=MEDIA_TYPES[kind])
    return took, json.loads(response)["data"]


def _make_document(file: Any) -> bytes:
    """The body of a request for an import of the file, with its proposed mapping."""
    linkage = {"data": {"type": "import_files", "id": file["id"]}}
    attributes = {"mapping": file["attributes"]["proposed_mapping"]}
    return json.dumps(
        {"data": {"type": "imports", "attributes": attributes, "relationships": {"import_file": linkage}}}
    ).encode()


def _stage(client: Client, kind: str, content: bytes) -> tuple[float, float, str]:
    """Seconds of the upload and of staging, and the id of the import."""
    from benchmarks.database import settle

    settle()
    uploaded, file = _upload(client, kind, content)
    body = _make_document(file)
    staged, response = client.time("POST", "/api/v2/imports?fields%5Bimports%5D=error_count", body, status=201)
    data = json.loads(response)["data"]
    if data["attributes"]["error_count"]:
        raise SystemExit(f"{data['attributes']['error_count']:,} rows have errors")
    return uploaded, staged, str(data["id"])


def _measure_times(client: Client, organization: Organization, sizes: Sizes) -> Section:
    from benchmarks import import_export
    from benchmarks.database import clear_imports, settle
    from benchmarks.importing import check_count, time_import
    from benchmarks.rows import make_body, make_rows

    samples: defaultdict[str, list[float]] = defaultdict(list)
    contents = {CSV: write_csv(sizes.people), XLSX: write_xlsx(sizes.people)}
    body, records = make_body(make_rows(sizes.people)), sizes.people + sizes.people // 10
    for number in range(sizes.rounds):
        print(f"  round {number + 1} of {sizes.rounds}", flush=True)
        clear_imports()
        samples["import"].append(time_import(client, body)[0])
        check_count(records)
        for kind, content in contents.items():
            clear_imports()
            uploaded, staged, import_id = _stage(client, kind, content)
            settle()
            run, _ = client.time("POST", f"/api/v2/imports/{import_id}/import")
            check_count(records)
            samples[f"{kind}: upload"].append(uploaded)
            samples[f"{kind}: staged"].append(uploaded + staged)
            samples[f"{kind}: records"].append(uploaded + staged + run)
            clear_imports()
            samples[f"{kind}: django-import-export"].append(
                import_export.time_file_import(content, kind.lower(), organization)
            )
            check_count(records)
    clear_imports()
    return _tabulate_times(samples, sizes, {kind: len(content) for kind, content in contents.items()})


def _tabulate_times(samples: dict[str, list[float]], sizes: Sizes, file_sizes: dict[str, int]) -> Section:
    section = Section(f"Files of {sizes.people:,} people")
    of_files = " and ".join(f"{kind} of {size / 1e6:.1f} MB" for kind, size in file_sizes.items())
    section.notes.append(
        f"{of_files}: a row for each person with its company, of which there are {sizes.people // 10:,}; the proposed"
        f" mapping; medians of {sizes.rounds} rounds. Staged: from the upload to the response with the checked import,"
        " over HTTP, two requests. Imported: and the request that runs it."
    )
    section.notes.append(
        "django-import-export reads the same file with tablib, in process, as fast as it goes: nothing validated, no"
        " change log."
    )
    imported = seconds(samples["import"])
    section.rows.append(Row("import of the same rows as JSON", imported))
    for kind in file_sizes:
        staged, records = (seconds(samples[f"{kind}: {what}"]) for what in ("staged", "records"))
        library = seconds(samples[f"{kind}: django-import-export"])
        section.rows += [
            Row(f"{kind}: upload and detection", seconds(samples[f"{kind}: upload"])),
            compare_ratio(f"{kind}: staged", staged, imported, "import", at_most=STAGED_AT_MOST[kind]),
            Row(f"{kind}: django-import-export", library),
            compare_speed(f"{kind}: imported", records, library, "django-import-export"),
        ]
    return section


def _write_lines(size: int) -> Iterator[bytes]:
    """Lines of a CSV of about this size, with a letter that is not ASCII in each."""
    yield ",".join(HEADERS).encode() + b"\r\n"
    written, number = 0, 0
    while written < size:
        lines = "".join(
            f"Company {each % 10_000},Jörg{each},Doe,john{each}@mail.com,Contact\r\n"
            for each in range(number, number + 10_000)
        ).encode()
        number += 10_000
        written += len(lines)
        yield lines


def _measure_detection(sizes: Sizes) -> Row:
    from importsvc.files.reading.detecting import detect
    from importsvc.spool import SpooledFile

    print("  detection", flush=True)
    file = SpooledFile("people.csv")
    for lines in _write_lines(sizes.detected_bytes):
        file.write(lines)
    samples = []
    for _ in range(sizes.rounds):
        started = time.perf_counter()
        detected = detect(file, content_type=MEDIA_TYPES[CSV])
        samples.append(time.perf_counter() - started)
        if (detected.encoding.used, detected.separator.used) != ("utf-8", ","):
            raise SystemExit("The file is detected as another")
    return compare_limit(f"detection of {megabytes([file.size])}", seconds(samples), at_most=DETECTION_SECONDS)


def _measure_corrections(client: Client, sizes: Sizes) -> list[Row]:
    from benchmarks.database import clear_imports, settle

    print("  corrections", flush=True)
    clear_imports()
    _, _, import_id = _stage(client, CSV, write_csv(sizes.people))
    settle()
    samples: dict[str, list[float]] = {"person": [], "company": []}
    for number in range(sizes.corrections):
        row = 1 + number * (sizes.people // sizes.corrections)
        for record_type, each, cells in (
            ("person", row, {"email": f"another{number}@mail.com"}),
            ("company", 1 + row // 10, {"name": f"Another {number}"}),
        ):
            body = json.dumps({"data": {"type": "import_rows", "attributes": {"cells": cells}}}).encode()
            took, _ = client.time("PATCH", f"/api/v2/imports/{import_id}/rows/{record_type}/{each}", body)
            samples[record_type].append(took)
    clear_imports()
    return [
        compare_limit("a corrected address", milliseconds(samples["person"]), at_most=CORRECTION_MS),
        compare_limit("a corrected name of a company", milliseconds(samples["company"]), at_most=CORRECTION_MS),
    ]


def _measure_memory(caller: Caller, sizes: Sizes) -> list[Row]:
    from benchmarks.database import clear_imports, count_staged_rows, settle
    from benchmarks.importing import check_count
    from benchmarks.memory_cases import start_worker

    print(f"  {sizes.large_people:,} people", flush=True)
    clear_imports()
    content, records = write_csv(sizes.large_people), sizes.large_people + sizes.large_people // 10
    what = f"CSV of {sizes.large_people:,} lines"
    peaks = {}
    with start_worker(caller) as worker, worker.watch() as peaks["upload"]:
        _, file = _upload(worker.client, CSV, content)
    with start_worker(caller) as worker, worker.watch() as peaks["staging"]:
        staged = worker.client.send("POST", "/api/v2/imports", _make_document(file), status=201)
    if count_staged_rows() != records:
        raise SystemExit(f"{count_staged_rows():,} staged rows instead of {records:,}")
    with start_worker(caller) as worker:
        in_background = _stage_in_background(worker, file, peaks)
    if count_staged_rows() != 2 * records:
        raise SystemExit(f"{count_staged_rows():,} staged rows instead of {2 * records:,}")
    settle()
    with start_worker(caller) as worker, worker.watch() as peaks["import"]:
        worker.client.send("POST", f"/api/v2/imports/{staged['data']['id']}/import")
    check_count(records)
    clear_imports()
    rows = [
        compare_limit(f"{what}, {step}: worker", megabytes([peak.worker]), at_most=WORKER_MB)
        for step, peak in peaks.items()
    ]
    return [
        *rows,
        compare_limit(f"{what}, staging: `manage.py work`", megabytes([in_background]), at_most=WORKER_MB),
    ]


def _stage_in_background(worker: FreshWorker, file: Any, peaks: dict[str, Peaks]) -> int:
    """The peak in bytes of the process of ``manage.py work`` that stages a file."""
    from benchmarks import memory
    from benchmarks.working import count_queued, run_workers, wait_until

    with run_workers(1) as (process_id,):
        memory.reset_peak(process_id)
        with worker.watch() as peaks["staging in the background"]:
            worker.client.time("POST", "/api/v2/imports", _make_document(file), status=202, prefer="respond-async")
        wait_until(lambda: count_queued() == 0)
        return memory.read_peak(process_id)


def main() -> None:
    """Measure these tables only, and print them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.files", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller data and fewer rounds")
    sizes = QUICK if parser.parse_args().quick else FULL
    with open_session():
        from benchmarks.service import PRODUCT, Caller, run_service
        from organizations.models import Organization

        with run_service(PRODUCT):
            caller = Caller.of_demo()
        for section in measure(caller, Organization.objects.get(pk=caller.organization_id), sizes):
            print(f"\n{format_section(section)}", flush=True)


if __name__ == "__main__":
    main()
