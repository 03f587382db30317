"""``script/bench``: sets up a database of its own, measures, prints the tables, and removes what it set up."""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Never

import django

# Variables that configure the service; the benchmarks run it without any.
SETTINGS = (
    "ALLOWED_HOSTS",
    "API_RATE_LIMIT",
    "BEHIND_TLS_PROXY",
    "CONN_MAX_AGE",
    "CSRF_TRUSTED_ORIGINS",
    "DATABASE_URL",
    "DEBUG",
    "LOG_LEVEL",
    "MAX_BODY_BYTES",
    "SECRET_KEY",
)

# After so long a run is stopped.
LONGEST_SECONDS = 3600
LONGEST_QUICK_SECONDS = 900


def main() -> None:
    """Measure; a full run also writes ``docs/benchmarks.md``."""
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller data and fewer rounds; does not write the page")
    quick = parser.parse_args().quick
    for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
        signal.signal(signal_number, _stop)
    signal.alarm(LONGEST_QUICK_SECONDS if quick else LONGEST_SECONDS)
    started = time.monotonic()
    with _database():
        # Only now: they need the settings that the block has made.
        from benchmarks.machine import describe_machine
        from benchmarks.report import DOCUMENT, make_report
        from benchmarks.suite import run
        from benchmarks.tables import format_section, summarize

        machine = describe_machine()
        sections = []
        for section in run(quick=quick):
            sections.append(section)
            print(f"\n{format_section(section)}", flush=True)
        took = time.monotonic() - started
        print(f"\n{summarize(sections)}\n\nTook {took / 60:.1f} minutes.")
        if not quick:
            DOCUMENT.write_text(make_report(sections, machine, took_seconds=took))
            print(f"Written to {DOCUMENT.relative_to(DOCUMENT.parent.parent)}.")


@contextmanager
def _database() -> Iterator[None]:
    """Django with an embedded PostgreSQL in a temporary folder, stopped and removed when the block ends."""
    with tempfile.TemporaryDirectory(prefix="importsvc-bench-", ignore_cleanup_errors=True) as folder:
        for name in SETTINGS:
            os.environ.pop(name, None)
        os.environ.update(VAR_DIR=folder, DJANGO_SETTINGS_MODULE="benchmarks.settings", PGAPPNAME="benchmarks")
        django.setup()

        from django.db import connections

        from importsvc.postgres.embedded.base import SERVER

        try:
            yield
        finally:
            connections.close_all()
            SERVER.leave()


def _stop(signal_number: int, _frame: FrameType | None) -> Never:
    reason = "It took too long" if signal_number == signal.SIGALRM else "Stopped"
    raise SystemExit(f"{reason}; what was started is stopped and removed")


if __name__ == "__main__":
    main()
