"""What grows with the rows: the time of an import and of its revert, and of pages of the people it made."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks import bare_copy
from benchmarks.database import clear_imports, execute, suspend_autovacuum
from benchmarks.importing import LONGEST_SECONDS, check_count, time_import, time_revert
from benchmarks.rows import make_body, make_rows
from benchmarks.service import PRODUCT, Caller, Client, run_service
from benchmarks.tables import Row, Section, compare_ratio, milliseconds, seconds
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
    """What the rounds measured of imports of one size, in seconds, a value for each round."""

    imports: list[float] = field(default_factory=list)
    reverts: list[float] = field(default_factory=list)
    copies: list[float] = field(default_factory=list)


# Seconds of pages of people by the number of the page.
Pages = dict[int, list[float]]


def measure(client: Client, caller: Caller, sizes: Sizes) -> list[Section]:
    """The tables of time and of pages. Takes a client of a service that has not done anything large yet."""
    usual_body, body = make_body(make_rows(sizes.people)), make_body(make_rows(sizes.large_people))
    usual, large = Samples(), Samples()
    for number in range(sizes.large_rounds):
        print(f"  round {number + 1} of {sizes.large_rounds}", flush=True)
        _measure_round(usual, client, caller, usual_body, sizes.people)
        _measure_round(large, client, caller, body, sizes.large_people)
    print("  pages", flush=True)
    fresh, vacuumed = _measure_pages(client, body, sizes)
    return [_tabulate_growth(usual, large, sizes), _tabulate_pages(fresh, vacuumed, sizes)]


def _measure_round(samples: Samples, client: Client, caller: Caller, body: bytes, people: int) -> None:
    """An import, a revert of it by a service that has done nothing yet, and bare COPY."""
    clear_imports()
    took, import_id = time_import(client, body)
    samples.imports.append(took)
    check_count(people + people // 10)
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


def _tabulate_growth(usual: Samples, large: Samples, sizes: Sizes) -> Section:
    section = Section(f"Growth to {sizes.large_people:,} people")
    section.notes.append(
        f"Medians of {sizes.large_rounds} rounds, each of which imports {sizes.people:,} people and"
        f" {sizes.large_people:,}. A revert that takes longer than {LONGEST_SECONDS} seconds is given up, and counts as"
        " if it took that long."
    )
    base = f"that of {sizes.people:,}"
    usual_copies, usual_imports, usual_reverts = map(seconds, (usual.copies, usual.imports, usual.reverts))
    copies, imports, reverts = map(seconds, (large.copies, large.imports, large.reverts))
    section.rows = [
        Row(f"bare COPY of {sizes.people:,}", usual_copies),
        compare_ratio(f"import of {sizes.people:,}", usual_imports, usual_copies, "bare COPY"),
        compare_ratio(f"revert of {sizes.people:,}", usual_reverts, usual_imports, "import"),
        compare_ratio("bare COPY", copies, usual_copies, base),
        compare_ratio("import", imports, usual_imports, base, at_most=sizes.growth),
        compare_ratio("import", imports, copies, "bare COPY", at_most=2.0),
        compare_ratio("revert", reverts, usual_reverts, base, at_most=sizes.growth),
        compare_ratio("revert", reverts, imports, "import", at_most=1.3),
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
