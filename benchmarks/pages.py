"""The server time of the pages: a large file in the wizard, and the admin with many imports and changes.

In the suite, and alone: ``python -m benchmarks.pages``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.service import PRODUCT, run_service
from benchmarks.session import open_session
from benchmarks.tables import Section, format_section


@dataclass(frozen=True)
class Sizes:
    """How much of what is measured.

    Attributes:
        rows: of the file.
        imports: of the organization that the admin shows.
        people: that one of them has created.
        rounds: of each page.
    """

    rows: int
    imports: int
    people: int
    rounds: int


QUICK = Sizes(rows=30_000, imports=1_000, people=100_000, rounds=3)
FULL = Sizes(rows=100_000, imports=10_000, people=1_000_000, rounds=5)


def measure(sizes: Sizes) -> Iterator[Section]:
    """The tables; no service may run."""
    # Only now: they need the settings that the caller has made.
    from benchmarks.page_data import make_data
    from benchmarks.page_steps import measure_admin, measure_wizard

    with run_service(PRODUCT, threads=4, workers=1) as service:
        yield measure_wizard(service.port, sizes)
    data = make_data(people=sizes.people, imports=sizes.imports)
    with run_service(PRODUCT, threads=4, workers=1) as service:
        yield measure_admin(service.port, sizes, data)


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller data and fewer rounds")
    options = parser.parse_args()
    with open_session():
        for section in measure(QUICK if options.quick else FULL):
            print(f"\n{format_section(section)}", flush=True)


if __name__ == "__main__":
    main()
