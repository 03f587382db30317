"""``script/bench``: sets up a database of its own, measures, prints the tables, and removes what it set up."""

from __future__ import annotations

import argparse
import signal
import time
from types import FrameType
from typing import Never

from benchmarks.cluster.throughput import PEOPLE, QUICK_PEOPLE, measure
from benchmarks.session import open_session

# After so long a run is stopped.
LONGEST_SECONDS = 5400
LONGEST_QUICK_SECONDS = 900


def main() -> None:
    """Measure; a full run also writes ``docs/benchmarks.md``."""
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller data and fewer rounds; does not write the page")
    parser.add_argument("--cluster", action="store_true", help="one server and a cluster, side by side; writes no page")
    options = parser.parse_args()
    if options.cluster:
        for line in measure(QUICK_PEOPLE if options.quick else PEOPLE):
            print(line, flush=True)
        return
    quick = options.quick
    for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
        signal.signal(signal_number, _stop)
    signal.alarm(LONGEST_QUICK_SECONDS if quick else LONGEST_SECONDS)
    started = time.monotonic()
    with open_session():
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


def _stop(signal_number: int, _frame: FrameType | None) -> Never:
    reason = "It took too long" if signal_number == signal.SIGALRM else "Stopped"
    raise SystemExit(f"{reason}; what was started is stopped and removed")


if __name__ == "__main__":
    main()
