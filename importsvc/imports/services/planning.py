"""Plans rows chunk by chunk. Checks, previews and runs all use ``plan_chunks``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, cast

from importsvc.engine.errors import RowError, RowErrors
from importsvc.engine.parse.chunks import RowChunk
from importsvc.engine.parse.rows import CleanChunk, RowCleaner
from importsvc.engine.plan.etag import PlanEtag
from importsvc.engine.plan.lookups import Lookups, read_lookups
from importsvc.engine.plan.plan import OnDuplicate, PlannedChunk, TypePlanner
from importsvc.engine.schema import registry
from importsvc.engine.schema.defaults import Defaults
from importsvc.engine.schema.importable import Importable
from importsvc.imports.errors import ImportDataInvalid, RowsInvalid
from importsvc.imports.models import Import, OnRowError
from importsvc.imports.rows import ImportRows
from importsvc.imports.services.progress import Progress
from importsvc.imports.staging import decode_staged

# Called for each chunk that has row errors, with the chunk, its rows, and the errors.
OnErrors = Callable[[RowChunk, Sequence[Any], Sequence[RowError]], None]

Counts = dict[str, dict[str, int]]


@dataclass
class Step:
    """A chunk and its plan.

    Attributes:
        chunk: the rows.
        rows: the same, decoded.
        clean: the same, cleaned.
        lookups: the results of the lookups for these rows.
        planner: of the type.
        prepare_next: does a part of the work of the next steps, at each call another one. It may be called before the
            next step is asked for, any number of times. It does not use the connection.
    """

    chunk: RowChunk
    rows: Sequence[Any]
    clean: CleanChunk
    lookups: Lookups
    planner: TypePlanner
    prepare_next: Callable[[], object] = lambda: None

    @cached_property
    def planned(self) -> PlannedChunk:
        """What becomes of the rows. The steps of a type are planned in their order."""
        return self.planner.plan(self.clean, self.lookups)


@dataclass
class PlanOptions:
    """How rows are planned.

    Attributes:
        organization_id: the organization of the records.
        on_duplicate: what becomes of a row whose match key a record has already.
        match_by: the match key of the types that have a unique column of this name.
        derived_types: types of which such rows are skipped even if that is an error otherwise. Their rows are made of
            the values in references, so they match by their own match key.
        leaves_out_errors: whether rows with errors are left out, and the others written.
        lock: whether the records that are to be updated are locked until the end of the transaction.
        trusts_constraints: whether PostgreSQL is left to refuse values that are taken (see ``TypePlanner``).
        progress: called with the numbers of rows that have been read and checked.
        on_errors: called with the row errors of each chunk.
    """

    organization_id: int
    on_duplicate: OnDuplicate
    match_by: str | None = None
    derived_types: Collection[str] = ()
    leaves_out_errors: bool = False
    lock: bool = False
    trusts_constraints: bool = False
    progress: Progress | None = None
    on_errors: OnErrors | None = None

    def get_on_duplicate(self, type_name: str) -> OnDuplicate:
        """What becomes of a row of this type whose match key a record has already."""
        is_skipped = self.on_duplicate == "error" and type_name in self.derived_types
        return "skip" if is_skipped else self.on_duplicate

    def get_match_by(self, type_name: str) -> str | None:
        """The column by which rows of this type match records, if the type has it; ``None`` for its own match key."""
        return None if type_name in self.derived_types else self.match_by

    def describe(self) -> dict[str, Any]:
        """The options that the result of a plan depends on."""
        described: dict[str, Any] = {"on_duplicate": self.on_duplicate, "match_by": self.match_by}
        if self.derived_types:
            described["derived_types"] = sorted(self.derived_types)
        if self.leaves_out_errors:
            described["leaves_out_errors"] = True
        return described


def plan_chunks(rows: ImportRows, options: PlanOptions) -> Iterator[Step]:
    """Plan the chunks, type by type; a type comes after the types that it refers to, and rows keep their order.

    The caller may write a chunk before it takes the next step. The plans of later chunks are the same either way.

    Raises:
        ImportDataInvalid: there are no rows.
    """
    submitted = rows.types
    if not submitted:
        raise ImportDataInvalid("can't be blank")
    importables = [importable for importable in registry.in_dependency_order() if importable.name in submitted]
    referenced = find_referenced(importables)
    planners: dict[str, TypePlanner] = {}
    if options.progress:
        options.progress("read", rows.row_count)
    for importable in importables:
        on_duplicate = options.get_on_duplicate(importable.name)
        cleaner = RowCleaner(importable, may_match=on_duplicate != "error")
        planners[importable.name] = planner = TypePlanner(
            importable,
            on_duplicate=on_duplicate,
            earlier=planners,
            match_by=options.get_match_by(importable.name),
            is_referenced=importable.name in referenced,
            leaves_out_errors=options.leaves_out_errors,
            trusts_constraints=options.trusts_constraints,
        )
        for step in _plan_type(_CleanChunks(rows.read(importable.name), cleaner), planner, options):
            if step.planned.errors and options.on_errors:
                options.on_errors(step.chunk, step.rows, step.planned.errors)
            if options.progress:
                options.progress("checked", step.chunk.row_count)
            yield step


def _plan_type(chunks: _CleanChunks, planner: TypePlanner, options: PlanOptions) -> Iterator[Step]:
    """The steps of a type. The lookups of a chunk come before the previous step, whose writing needs the connection."""
    lock = options.lock and options.get_on_duplicate(planner.importable.name) == "update"
    previous = None
    for chunk, rows, clean in chunks:
        if previous:
            previous.planned  # noqa: B018 - the lookups leave out the names that an earlier plan has found
        lookups = read_lookups(options.organization_id, planner.ask(clean), lock=lock)
        step = Step(chunk, rows, clean, lookups, planner)
        if previous:
            previous.prepare_next = partial(next, _prepare(step, chunks), None)
            yield previous
        previous = step
    if previous:
        yield previous


def _prepare(step: Step, chunks: _CleanChunks) -> Iterator[None]:
    """Clean the chunk after a step, then plan the step: one of them at a time."""
    chunks.prepare()
    yield
    step.planned  # noqa: B018 - computed once


class _CleanChunks(Iterator[tuple[RowChunk, Sequence[Any], CleanChunk]]):
    """Chunks with their rows, decoded and cleaned. The next one can be prepared while the connection is in use."""

    def __init__(self, chunks: Iterator[RowChunk], cleaner: RowCleaner) -> None:
        self._chunks = chunks
        self._cleaner = cleaner
        self._next = next(chunks, None)
        self._prepared: tuple[RowChunk, Sequence[Any], CleanChunk] | None = None

    def __next__(self) -> tuple[RowChunk, Sequence[Any], CleanChunk]:
        if self._next is None:
            raise StopIteration
        clean = self._prepared or self._clean(self._next)
        self._prepared = None
        self._next = next(self._chunks, None)
        return clean

    def prepare(self) -> None:
        """Clean the next chunk. An error in it is raised by the next ``__next__``."""
        if self._next is not None:
            with suppress(ImportDataInvalid):
                self._prepared = self._clean(self._next)

    def _clean(self, chunk: RowChunk) -> tuple[RowChunk, Sequence[Any], CleanChunk]:
        rows = decode_staged(chunk.text)
        return chunk, rows, self._cleaner.clean(rows, first_row=chunk.first_row, deleted=frozenset(chunk.deleted))


@dataclass
class Report:
    """The row errors of a plan, and the numbers of rows.

    Attributes:
        submitted: the names of the types in the order in which they were submitted.
        errors: the row errors.
        counts: by type the numbers of rows that are created, updated, unchanged and skipped, and perhaps refused.
        without_key: by type the number of rows without a value of the match key (see ``PlannedChunk``).
    """

    submitted: Sequence[str]
    errors: RowErrors = field(default_factory=RowErrors)
    counts: Counts = field(default_factory=dict)
    without_key: dict[str, int] = field(default_factory=dict)

    def add(self, planned: PlannedChunk) -> None:
        """Add the row errors of a chunk, and the number of its rows without a key."""
        name = planned.importable.name
        self.without_key[name] = self.without_key.get(name, 0) + len(planned.without_key)
        if planned.errors:
            self.errors.add(name, planned.errors, uncounted=planned.uncounted)

    def add_counts(self, planned: PlannedChunk, counts: dict[str, int], options: PlanOptions) -> None:
        """Add the counts of a chunk, and with ``leaves_out_errors`` the number of rows that are left out."""
        if options.leaves_out_errors:
            counts = {**counts, "refused": planned.refused}
        type_name = planned.importable.name
        known = self.counts.setdefault(type_name, dict.fromkeys(counts, 0))
        for what, count in counts.items():
            known[what] += count

    @property
    def invalid(self) -> RowsInvalid | None:
        """The row errors as an exception; ``None`` without errors."""
        return RowsInvalid(self.errors, self.submitted) if self.errors else None

    def require_valid(self) -> None:
        """Raise an error if there are row errors.

        Raises:
            RowsInvalid: has the row errors.
        """
        if self.invalid:
            raise self.invalid

    def require_rows_without_errors(self) -> None:
        """Raise an error if all rows were left out because of errors.

        Raises:
            RowsInvalid: has the row errors.
        """
        if not any(sum(counts.values()) - counts["refused"] for counts in self.counts.values()):
            self.require_valid()


def check_rows(rows: ImportRows, options: PlanOptions) -> Report:
    """Plan rows to find their errors. Nothing is written."""
    report = Report(rows.types)
    for step in plan_chunks(rows, options):
        report.add(step.planned)
    return report


def make_etag(rows: ImportRows, options: PlanOptions, defaults: Defaults) -> str:
    """The ETag of all that a plan of these rows depends on: rows, options, defaults and existing records."""
    etag = PlanEtag(options.organization_id)
    for step in plan_chunks(rows, options):
        etag.add(step.chunk, step.lookups)
    return finish_etag(etag, options, defaults)


def finish_etag(etag: PlanEtag, options: PlanOptions, defaults: Defaults) -> str:
    """The ETag after all chunks were added."""
    return etag.finish(options.describe(), defaults, registry.in_dependency_order())


def get_options(import_: Import, **further: Any) -> PlanOptions:
    """The options of a plan of this import's rows; ``further`` are those that the import does not have."""
    return PlanOptions(
        import_.organization_id,
        # Constraints of the database allow only the values of the types.
        cast("OnDuplicate", import_.on_duplicate),
        match_by=import_.match_by,
        derived_types=import_.derived_types,
        leaves_out_errors=import_.on_row_error == OnRowError.SKIP,
        **further,
    )


def find_referenced(importables: Sequence[Importable]) -> set[str]:
    """The names of the types that these types refer to."""
    return {reference.to for importable in importables for reference in importable.references}
