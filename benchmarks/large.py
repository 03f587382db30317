"""What grows with the rows: the time of an import and of its revert, and of pages of the people it made."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks import bare_copy
from benchmarks.database import clear_imports, execute, suspend_autovacuum
from benchmarks.importing import LONGEST_SECONDS, check_count, time_import, time_revert
from benchmarks.rows import make_body, make_rows
from benchmarks.service import PRODUCT, Caller, Client, run_service
from benchmarks.tables import Figure, Row, Section, compare_ratio, milliseconds, seconds
from people.models import Person

PAGE_ROUNDS = 15

PEOPLE_TABLE = Person._meta.db_table


@dataclass(frozen=True)
class Sizes:
    """How much is large."""

    people: int
    large_people: int
    large_rounds: int
    deep_page: int

    @property
    def growth(self) -> float:
        """How many times the time of ``people`` that of ``large_people`` may be: 11 times for 10 times as many."""
        return 1.1 * self.large_people / self.people


@dataclass
class Samples:
    """What the rounds of the large import measured, in seconds, a value for each round."""

    imports: list[float] = field(default_factory=list)
    reverts: list[float] = field(default_factory=list)
    copies: list[float] = field(default_factory=list)


# Seconds of pages of people by the number of the page.
Pages = dict[int, list[float]]


def measure(client: Client, caller: Caller, sizes: Sizes, imported: Figure, reverted: Figure) -> list[Section]:
    """The tables of time and of pages.

    Takes a client of a service that has not done anything large yet, and the medians of an import and a revert of
    ``sizes.people`` in the same run.
    """
    body = make_body(make_rows(sizes.large_people))
    samples = Samples()
    for number in range(sizes.large_rounds):
        print(f"  round {number + 1} of {sizes.large_rounds}", flush=True)
        _measure_round(samples, client, caller, body, sizes)
    print("  pages", flush=True)
    fresh, vacuumed = _measure_pages(client, body, sizes)
    return [_tabulate_growth(samples, sizes, imported, reverted), _tabulate_pages(fresh, vacuumed, sizes)]


def _measure_round(samples: Samples, client: Client, caller: Caller, body: bytes, sizes: Sizes) -> None:
    clear_imports()
    took, import_id = time_import(client, body)
    samples.imports.append(took)
    check_count(sizes.large_people + sizes.large_people // 10)
    text = bare_copy.read_rows()
    with run_service(PRODUCT) as another:
        warm = Client(another.port, caller)
        warm.send("GET", "/api/v2/people")
        samples.reverts.append(time_revert(warm, import_id))
    clear_imports()
    samples.copies.append(bare_copy.time_copy(text))


def _measure_pages(client: Client, body: bytes, sizes: Sizes) -> tuple[Pages, Pages]:
    """Pages right after an import, and after a vacuum."""
    clear_imports()
    # Nothing may read the table, or vacuum it, before the first page does.
    with suspend_autovacuum(PEOPLE_TABLE):
        time_import(client, body)
        fresh = _time_pages(client, sizes.deep_page)
        execute(f"VACUUM {PEOPLE_TABLE}")
        vacuumed = _time_pages(client, sizes.deep_page)
    check_count(sizes.large_people + sizes.large_people // 10)
    clear_imports()
    return fresh, vacuumed


def _time_pages(client: Client, deep_page: int) -> Pages:
    """Seconds of the first page of people and of a deep one, in turn."""
    samples: Pages = {1: [], deep_page: []}
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


def _tabulate_pages(fresh: Pages, vacuumed: Pages, sizes: Sizes) -> Section:
    section = Section(f"Pages of {sizes.large_people:,} people")
    section.notes.append(
        f"Pages of 30; medians of {PAGE_ROUNDS}, page 1 and page {sizes.deep_page:,} in turn: right after the import"
        " that made the people, and again after a vacuum of their table. Autovacuum leaves the table alone meanwhile."
    )
    first, deep = milliseconds(fresh[1]), milliseconds(fresh[sizes.deep_page])
    first_vacuumed, deep_vacuumed = milliseconds(vacuumed[1]), milliseconds(vacuumed[sizes.deep_page])
    after, deep_page = "after a vacuum", f"page {sizes.deep_page:,}"
    section.rows = [
        Row(f"page 1, {after}", first_vacuumed),
        compare_ratio(f"{deep_page}, {after}", deep_vacuumed, first_vacuumed, f"page 1, {after}"),
        compare_ratio("page 1, right after the import", first, first_vacuumed, after, at_most=3),
        compare_ratio("page 1, the first request of these", milliseconds(fresh[1][:1]), first_vacuumed, after),
        compare_ratio(f"{deep_page}, right after the import", deep, first, "page 1, right after", at_most=10),
    ]
    return section
