"""Changes a mapping document by what a caller says of single headers. Pure: no Django, no database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from importsvc.engine.schema.importable import normalize_header


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
