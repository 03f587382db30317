"""From staged rows to plans, for those who check, run or preview an import."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from importsvc.engine.errors import PayloadError
from importsvc.engine.parse.batches import Turns, make_batches, read_ahead
from importsvc.engine.parse.payload import expect_types, stream_payload
from importsvc.engine.parse.rows import CleanRows, clean_pieces
from importsvc.engine.plan.etag import make_tag
from importsvc.engine.plan.lookups import Lookups, read_lookups
from importsvc.engine.plan.plan import OnDuplicate, Plan, make_plan
from importsvc.engine.schema import registry
from importsvc.engine.schema.defaults import Defaults
from importsvc.engine.schema.importable import Importable
from importsvc.imports.errors import ImportDataInvalid, RowsInvalid
from importsvc.imports.models import Import
from organizations.models import Organization

# Told how many rows more have been ``read``, ``checked`` or ``written``, some at a time; a negative number are rows
# whose writing was undone, to be tried again. Called in the thread that called the service.
Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class Planned:
    """The plan of what all rows become, with what it was made of.

    Attributes:
        plan: some rows may be wrong.
        tag: what two plans have in common that do the same; ``None`` if nobody asked for it.
    """

    plan: Plan
    tag: str | None = None

    def require_valid(self) -> Plan:
        """The plan.

        Raises:
            RowsInvalid: there is anything wrong with the rows.
        """
        if not self.plan.is_valid:
            raise RowsInvalid(self.plan.errors)
        return self.plan


def plan_rows(
    organization: Organization,
    import_data: object,
    *,
    on_duplicate: OnDuplicate,
    lock: bool = False,
    tagged_with: Defaults | None = None,
    progress: Progress | None = None,
) -> Planned:
    """Plan what all rows become.

    Args:
        organization: whose records the rows are about.
        import_data: a string that holds JSON, or that JSON itself.
        on_duplicate: what becomes of rows of which there is a record already.
        lock: whether the records that are to be updated are locked against others until the end of the transaction.
        tagged_with: the organization's defaults, for those who want a tag.
        progress: told how many rows have been read and checked.

    Raises:
        ImportDataInvalid: there is something wrong with the rows as a whole.
    """
    importables = get_importables()
    pieces = read_rows(import_data)
    if progress:
        pieces = _count(pieces, progress)
    all_rows = clean_pieces(pieces, importables, may_match=on_duplicate != "error")
    lookups = read_lookups(organization.pk, all_rows.values(), lock=lock and on_duplicate == "update")
    tag = None
    if tagged_with:
        tag = make_tag(to_text(import_data), [on_duplicate], lookups, tagged_with, importables.values())
    return Planned(_make_plan(all_rows, lookups, on_duplicate, progress), tag)


@contextmanager
def plan_while_writing(organization: Organization, import_data: object) -> Iterator[Iterable[Plan]]:
    """Plans of some rows after the other, each made when it is asked for, of rows that are read in advance.

    Duplicates are errors. Rows may be wrong, and a value may be taken that a constraint of the database guards.

    Raises:
        ImportDataInvalid: while plans are made.
    """
    importables = get_importables()
    expected = expect_types(import_data, types=list(importables))
    turns = Turns()
    batches = make_batches(turns.take(read_rows(import_data)), importables, expected=expected)

    def make_plans(batches: Iterable[CleanRows]) -> Iterator[Plan]:
        lookups = Lookups()
        for rows in batches:
            with turns.work():
                lookups = read_lookups(organization.pk, [rows], trust_constraints=True, known=lookups)
                plan = _make_plan({rows.importable.name: rows}, lookups)
            yield plan

    with read_ahead(batches) as made_ahead:
        try:
            yield make_plans(made_ahead)
        finally:
            turns.end()


def _make_plan(
    all_rows: Mapping[str, Any],
    lookups: Lookups,
    on_duplicate: OnDuplicate = "error",
    progress: Progress | None = None,
) -> Plan:
    return make_plan(
        all_rows,
        lookups,
        dependency_order=get_importables().values(),
        on_duplicate=on_duplicate,
        on_checked=partial(progress, "checked") if progress else None,
    )


def _count(pieces: Iterator[tuple[str, list[Any]]], progress: Progress) -> Iterator[tuple[str, list[Any]]]:
    for name, rows in pieces:
        progress("read", len(rows))
        yield name, rows


def get_on_duplicate(import_: Import) -> OnDuplicate:
    """What the import says about duplicates; the database knows no other words."""
    return cast("OnDuplicate", import_.on_duplicate)


def get_importables() -> dict[str, Importable]:
    """By name, those referred to first."""
    return {importable.name: importable for importable in registry.in_dependency_order()}


def read_rows(import_data: object) -> Iterator[tuple[str, list[Any]]]:
    """The rows with the name of their type, piece by piece.

    Raises:
        ImportDataInvalid: there is something wrong with them as a whole.
    """
    if import_data is None or (isinstance(import_data, str) and not import_data.strip()):
        raise ImportDataInvalid("can't be blank")
    try:
        yield from stream_payload(import_data, types=list(get_importables()))
    except PayloadError as error:
        raise ImportDataInvalid(str(error)) from None


def to_text(import_data: object) -> str:
    """Rows as they are staged."""
    return import_data if isinstance(import_data, str) else json.dumps(import_data, ensure_ascii=False)
