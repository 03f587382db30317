"""Changes a mapping document by what a caller says of single headers. Pure: no Django, no database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from importsvc.engine.schema.importable import normalize_header
from importsvc.files.mapping.document import ALL_OTHERS, ColumnMapping, Join, write_column
from importsvc.files.mapping.headers import HeaderIndex
from importsvc.files.mapping.proposals import map_column
from importsvc.files.mapping.targets import Kind, find_target
from importsvc.files.reading.detection import DetectedColumn

# The kinds of members of objects, by the kinds of detected columns; the others are texts.
_KINDS: dict[str, Kind] = {"integer": "number", "number": "number", "date": "date", "boolean": "boolean"}


class HeaderTarget(NamedTuple):
    """A header, the target that it fills, and the kind of a target that is a member of an object."""

    header: str
    target: str
    kind: str | None = None


def edit_mapping(
    document: Mapping[str, Any], *, targets: Sequence[HeaderTarget] = (), ignored: Sequence[str] = (), **members: Any
) -> dict[str, Any]:
    """A copy of a mapping document in which these headers fill these targets.

    Args:
        document: as ``write_mapping`` gives it.
        targets: replace what the document says of these headers and these targets. Headers are compared as those of a
            file are.
        ignored: headers that fill no target.
        members: replace members of the document; ``None`` keeps one.

    The result may have problems, which ``read_mapping`` and ``find_problems`` find.
    """
    named = {normalize_header(each.header) for each in targets}
    left_out = {normalize_header(header) for header in ignored} | named
    filled = {each.target for each in targets}
    kept = [
        column
        for column in document["columns"]
        if not left_out.intersection(map(normalize_header, column["headers"])) and not filled & set(column["targets"])
    ]
    return {
        **document,
        **{name: value for name, value in members.items() if value is not None},
        "columns": [*kept, *map(_write_column, targets)],
        "ignored": [
            *(header for header in document["ignored"] if normalize_header(header) not in left_out),
            *ignored,
        ],
    }


def _write_column(given: HeaderTarget) -> dict[str, Any]:
    kind = {} if given.kind is None else {"kind": given.kind}
    return {"headers": [given.header], "targets": [given.target], **kind}


def choose_targets(
    document: Mapping[str, Any],
    *,
    columns: Sequence[DetectedColumn],
    chosen: Mapping[str, Sequence[str] | None],
    joins: bool = False,
) -> dict[str, Any]:
    """A copy of a mapping document for a table, in which each header fills the chosen targets.

    What the document says of a header stays as it is, with its steps and values, if it fills the chosen targets in it.
    What it says of headers that the table does not have is left out, unless it says it of a sheet by name.

    Args:
        document: as ``write_mapping`` gives it.
        columns: of the table.
        chosen: by header its targets: two for a text that is split at its last white space; none for a column that is
            not imported; ``None`` for one that is left open.
        joins: whether headers that fill the same target are joined, with a space between.

    The result may have problems, which ``read_mapping`` and ``find_problems`` find.
    """
    index = HeaderIndex([column.header for column in columns])
    kept: list[Any] = []
    done: set[str] = set()
    for column in document["columns"]:
        headers = _find_headers(index, column["headers"])
        is_unchanged = headers and all(
            header is not None and list(chosen.get(header) or ()) == column["targets"] for header in headers
        )
        if is_unchanged or not column["headers"] or (None in headers and column.get("sheet") is not None):
            kept.append(column)
            done.update(filter(None, headers))
    added: list[ColumnMapping] = []
    for column in columns:
        targets = tuple(chosen.get(column.header) or ())
        if targets and column.header not in done:
            earlier = next((at for at, each in enumerate(added) if joins and each.targets == targets), None)
            if earlier is None or len(targets) > 1:
                added.append(map_column(column, targets, kind=_find_kind(column, targets)))
            else:
                joined = (*added[earlier].headers, column.header)
                added[earlier] = ColumnMapping(joined, targets, (Join(" "),))
    ignored = [header for header in document["ignored"] if header != ALL_OTHERS and index.find(header) is None]
    return {
        **document,
        "columns": [*kept, *map(write_column, added)],
        "ignored": [*ignored, *(header for header, targets in chosen.items() if targets is not None and not targets)],
    }


def find_chosen(document: Mapping[str, Any], headers: Sequence[str]) -> dict[str, list[str] | None]:
    """What a document says of each header of a table, as ``choose_targets`` takes it."""
    index = HeaderIndex(headers)
    chosen: dict[str, list[str] | None] = dict.fromkeys(headers, [] if ALL_OTHERS in document["ignored"] else None)
    chosen.update((header, []) for header in _find_headers(index, document["ignored"]) if header is not None)
    for column in document["columns"]:
        found = _find_headers(index, column["headers"])
        chosen.update((header, column["targets"]) for header in found if header is not None)
    return chosen


def _find_headers(index: HeaderIndex, headers: Sequence[str]) -> list[str | None]:
    """The headers of the table that are meant; ``None`` for those that it does not have."""
    positions = map(index.find, headers)
    return [None if position is None else index.headers[position] for position in positions]


def _find_kind(column: DetectedColumn, targets: Sequence[str]) -> Kind | None:
    """The kind of a target that is a member of an object, by the values of the column."""
    target = find_target(targets[0])
    if target is None or target.member is None:
        return None
    return _KINDS.get(column.kind, "text")
