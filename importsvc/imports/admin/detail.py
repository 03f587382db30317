"""What an import's page shows of things that may be too large for any page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Model, QuerySet
from django.db.models.functions import Left

from importsvc.changelog.models import Change
from importsvc.engine.errors import PayloadError
from importsvc.engine.parse.payload import read_payload
from importsvc.engine.schema import registry
from importsvc.imports.models import Import, ImportState
from importsvc.imports.record_types import get_record_types
from importsvc.imports.staging import staged_size
from importsvc.text.display import describe_value, printable
from importsvc.text.strict_json import NotStreamableError, stream_arrays

# Of staged data so many characters are read and shown as tables; if they are none, the beginning is shown as text.
PARSED_LENGTH = 1_000_000
TEXT_LENGTH = 100_000
TABLE_ROWS = 200
TABLE_COLUMNS = 50
CHANGES_PAGE_SIZE = 50


@dataclass(frozen=True)
class Table:
    """A page of the staged rows of one type.

    Attributes:
        name: of the type.
        columns: the headers of the page's rows, as they were given.
        rows: number and cells of each row; cells are cut.
        page: the page; its paginator knows how many rows there are, or of staged data that is cut, how many were read.
    """

    name: str
    columns: list[str]
    rows: list[tuple[int, list[str]]]
    page: Page[Any]

    @property
    def page_range(self) -> Iterator[int | str]:
        """The pages that can be turned to, some of them left out where there are many."""
        return self.page.paginator.get_elided_page_range(self.page.number)


@dataclass(frozen=True)
class StagedData:
    """The beginning of an import's staged data.

    Attributes:
        size: bytes in all.
        tables: a table for each type; empty if the data cannot be understood.
        text: the data as it is, if there are no tables.
        is_cut: whether tables or ``text`` are only of the beginning.
    """

    size: int
    tables: list[Table] = field(default_factory=list)
    text: str = ""
    is_cut: bool = False


@dataclass(frozen=True)
class ShownChange:
    """A change as the page shows it.

    Attributes:
        change: the change.
        record: the record, unless it is gone or its type is no longer registered.
        before, after: values by column, as text that is cut.
        outcome: what a revert made of it, if there was one.
    """

    change: Change
    record: Model | None
    before: dict[str, str]
    after: dict[str, str]
    outcome: str | None


def read_staged_data(import_id: int, page_number: Any = None) -> StagedData:
    """A page of what is staged, or of its beginning; the rest never leaves the database."""
    beginning, size = Import.objects.values_list(Left("import_data", PARSED_LENGTH + 1), staged_size()).get(
        pk=import_id
    )
    is_cut = len(beginning) > PARSED_LENGTH
    try:
        payload = _read_beginning(beginning) if is_cut else read_payload(beginning, types=get_record_types())
        tables = [_make_table(name, rows, page_number) for name, rows in payload.items()]
    except (PayloadError, _NoTable):
        tables = []
    if tables:
        return StagedData(size, tables=tables, is_cut=is_cut)
    return StagedData(size, text=beginning[:TEXT_LENGTH], is_cut=len(beginning) > TEXT_LENGTH)


def _read_beginning(text: str) -> dict[str, list[Any]]:
    """The rows of JSON that breaks off somewhere, but for the last few."""
    rows_by_type: dict[str, list[Any]] = defaultdict(list)
    try:
        for name, rows in stream_arrays(text, size=TABLE_ROWS):
            rows_by_type[name] += rows
    except NotStreamableError:
        pass
    return rows_by_type


def count_changes(import_: Import) -> dict[str, int]:
    """How many records of each type an import wrote, without types of which it wrote none.

    It kept these numbers when it was run. Of imports that older versions ran, the changes are counted, which takes a
    fifth of a second for a million.
    """
    if import_.counts is not None:
        counts = {name: of_type["created"] + of_type["updated"] for name, of_type in sorted(import_.counts.items())}
        return {name: count for name, count in counts.items() if count}
    changes = _select_changes(import_).values_list("record_type")
    return dict(changes.annotate(count=Count("*")).order_by("record_type"))


def read_changes(import_: Import, page_number: Any, *, count: int) -> tuple[Page[Change], list[ShownChange]]:
    """A page of what the import wrote, type by type in row order; the nearest page if there is no such page.

    ``count`` is of all that it wrote: counting takes long, and the caller has done it already.
    """
    # Ids were given out in row order, and the change log has an index of them.
    changes = _select_changes(import_).order_by("record_type", "record_id", "id")
    paginator = Paginator(changes, CHANGES_PAGE_SIZE)
    paginator.count = count
    page = paginator.get_page(page_number)
    records = _find_records(page.object_list, organization_id=import_.organization_id)
    shown = [
        ShownChange(
            change,
            records.get((change.record_type, change.record_id)),
            before=_describe_values(change.before),
            after=_describe_values(change.after),
            outcome=change.find_outcome(is_reverted=import_.state == ImportState.REVERTED),
        )
        for change in page.object_list
    ]
    return page, shown


def _select_changes(import_: Import) -> QuerySet[Change]:
    return Change.objects.of_import(organization_id=import_.organization_id, import_id=import_.pk)


class _NoTable(Exception):
    """The rows do not make a readable table."""


def _make_table(name: str, rows: list[Any], page_number: Any) -> Table:
    page = Paginator(rows, TABLE_ROWS).get_page(page_number)
    if not all(isinstance(row, dict) for row in page):
        raise _NoTable
    columns = list(dict.fromkeys(header for row in page for header in row))
    if len(columns) > TABLE_COLUMNS:
        raise _NoTable
    cells = [[_describe_value(row[header]) if header in row else "" for header in columns] for row in page]
    first = page.start_index()
    return Table(name, [printable(header) for header in columns], list(enumerate(cells, start=first)), page)


def _find_records(changes: Iterable[Change], *, organization_id: int) -> dict[tuple[str, int], Model]:
    """The records that are still there, one query for each type."""
    ids: dict[str, list[int]] = defaultdict(list)
    for change in changes:
        ids[change.record_type].append(change.record_id)
    records: dict[tuple[str, int], Model] = {}
    for importable in registry.in_dependency_order():
        if importable.name in ids:
            of_organization = importable.model._default_manager.filter(organization=organization_id)
            found = of_organization.in_bulk(ids[importable.name])
            records.update({(importable.name, record_id): record for record_id, record in found.items()})
    return records


def _describe_values(values: dict[str, Any] | None) -> dict[str, str]:
    return {name: _describe_value(value) for name, value in (values or {}).items()}


def _describe_value(value: object) -> str:
    return printable(describe_value(value))
