"""Payloads planned chunk by chunk, with lookups that the test supplies."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from importsvc.engine.errors import RowError
from importsvc.engine.parse.rows import RowCleaner
from importsvc.engine.plan.lookups import Lookups
from importsvc.engine.plan.plan import ColumnKey, GivenValues, OnDuplicate, PlannedChunk, Questions, TypePlanner
from importsvc.engine.schema.importable import Importable

ALL_ROWS = 1_000


@dataclass
class PlannedPayload:
    """The plan of a payload, by type.

    Attributes:
        chunks: the planned chunks, in order.
        questions: the lookups of each chunk.
        errors: all errors.
        created: the rows that become new records, with the values of each.
        given: the values of rows that match records.
        skipped: the number of skipped rows.
        without_key: the rows without a value of the match key.
    """

    chunks: list[PlannedChunk] = field(default_factory=list)
    questions: list[Questions] = field(default_factory=list)
    errors: dict[str, list[RowError]] = field(default_factory=dict)
    created: dict[str, list[tuple[int, tuple[Any, ...]]]] = field(default_factory=dict)
    given: dict[str, list[GivenValues]] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    without_key: dict[str, list[int]] = field(default_factory=dict)

    def add(self, chunk: PlannedChunk, questions: Questions) -> None:
        """Add the next chunk."""
        name, batch = chunk.importable.name, chunk.created
        self.chunks.append(chunk)
        self.questions.append(questions)
        self.errors.setdefault(name, []).extend(chunk.errors)
        self.created.setdefault(name, []).extend(zip(batch.rows, zip(*batch.columns, strict=True), strict=True))
        self.given.setdefault(name, []).extend(chunk.given)
        self.without_key.setdefault(name, []).extend(sorted(chunk.without_key))
        self.skipped[name] = self.skipped.get(name, 0) + chunk.skipped

    @property
    def is_valid(self) -> bool:
        """Whether nothing is wrong."""
        return not any(self.errors.values())


def plan_payload(
    payload: Mapping[str, Sequence[Any]],
    importables: Iterable[Importable],
    look_up: Callable[[Questions], Lookups],
    *,
    on_duplicate: OnDuplicate = "error",
    match_by: str | None = None,
    chunk_rows: int = ALL_ROWS,
    write: Callable[[PlannedChunk], None] | None = None,
) -> PlannedPayload:
    """Plan rows by type, and perhaps write each chunk before the next one is planned.

    ``importables`` come in the order in which they refer to each other.
    """
    planned = PlannedPayload()
    planners: dict[str, TypePlanner] = {}
    for importable in importables:
        if importable.name not in payload:
            continue
        rows = payload[importable.name]
        cleaner = RowCleaner(importable, may_match=on_duplicate != "error")
        planner = TypePlanner(importable, on_duplicate=on_duplicate, match_by=match_by, earlier=planners)
        planners[importable.name] = planner
        for start in range(0, max(len(rows), 1), chunk_rows):
            chunk = cleaner.clean(rows[start : start + chunk_rows], first_row=start + 1)
            questions = planner.ask(chunk)
            planned.add(planner.plan(chunk, look_up(questions)), questions)
            if write:
                write(planned.chunks[-1])
    return planned


def answer(
    questions: Questions,
    *,
    records: Mapping[ColumnKey, Mapping[str, Sequence[int]]],
    folded: Mapping[str, str] | None = None,
    case_sensitive: Collection[ColumnKey] = (),
) -> Lookups:
    """The results of lookups in an organization with these records: ids by column and folded value."""
    lookups = Lookups(folded=folded or {}, case_sensitive=frozenset(case_sensitive))

    def find(asked: Mapping[ColumnKey, Collection[str]]) -> dict[ColumnKey, dict[str, Sequence[int]]]:
        return {
            key: {
                value: records[key][value]
                for value in lookups.fold_all(key, list(values))
                if value in records.get(key, {})
            }
            for key, values in asked.items()
        }

    trusted: dict[ColumnKey, dict[str, Sequence[int]]] = {key: {} for key in questions.trusted}
    return replace(lookups, taken=find(questions.taken) | trusted, found=find(questions.found))


def plan_in_chunks_of_any_size(
    payload: Mapping[str, Sequence[Any]],
    importables: Sequence[Importable],
    *,
    records: Mapping[ColumnKey, Mapping[str, Sequence[int]]] | None = None,
    folded: Mapping[str, str] | None = None,
    on_duplicate: OnDuplicate = "error",
    match_by: str | None = None,
) -> PlannedPayload:
    """The plan for an organization that has these records, the same whatever the chunks."""
    exact = {
        (importable.name, name)
        for importable in importables
        for name, column in importable.unique_columns.items()
        if column.case_sensitive
    }
    together, *chunked = (
        plan_payload(
            payload,
            importables,
            lambda questions: answer(questions, records=records or {}, folded=folded, case_sensitive=exact),
            on_duplicate=on_duplicate,
            match_by=match_by,
            chunk_rows=chunk_rows,
        )
        for chunk_rows in (ALL_ROWS, 1, 2)
    )
    for other in chunked:
        assert describe(other) == describe(together)
    return together


def describe(planned: PlannedPayload) -> tuple[object, ...]:
    """What becomes of the rows, without the chunks in which they came."""
    return planned.errors, planned.created, planned.given, planned.skipped, planned.without_key
