"""Finds what contradicts itself in a mapping whose parts are right."""

from __future__ import annotations

from collections.abc import Iterator

from importsvc.files.mapping.document import ColumnMapping, Constant, Join, Mapping, Separate, Split
from importsvc.files.mapping.refusals import Problem
from importsvc.files.mapping.targets import Target, find_target
from importsvc.text.display import printable


def find_wrong_steps(column: ColumnMapping) -> Iterator[str]:
    """What is wrong with the order and the number of steps; the rest is right in itself."""
    kinds = [type(step) for step in column.steps]
    if (Constant in kinds) != (not column.headers):
        yield "A column has either headers or the step constant"
    if Constant in kinds and len(kinds) > 1:
        yield "The step constant stands alone"
    if (Join in kinds) != (len(column.headers) > 1):
        yield "The step join is for several headers, and several headers need it"
    if Join in kinds[1:]:
        yield "The step join comes first"
    if Split in kinds[:-1]:
        yield "The step split comes last"
    if Separate in kinds[:-1]:
        yield "The step separate comes last"


def find_repeated_targets(mapping: Mapping) -> Iterator[Problem]:
    """The targets that several columns of the same sheet fill."""
    filled: list[tuple[Target, str | None]] = []
    for index, column in enumerate(mapping.columns):
        for position, name in enumerate(column.targets):
            target = find_target(name)
            if target is None:
                continue
            if any(_overlap(target, other) and _meet(column.sheet, sheet) for other, sheet in filled):
                path = f"/columns/{index}/targets/{position}"
                yield Problem("target_used_twice", path, f"'{printable(name)}' is filled by another column already")
            filled.append((target, column.sheet))


def _overlap(target: Target, other: Target) -> bool:
    """Whether the targets are the same, or one is an object and the other a member of it."""
    same_column = (target.type_name, target.column) == (other.type_name, other.column)
    return same_column and (target.member == other.member or None in (target.member, other.member))


def _meet(sheet: str | None, other: str | None) -> bool:
    return sheet == other or None in (sheet, other)


def find_contradictions(mapping: Mapping) -> Iterator[Problem]:
    """The headers that are ignored and used."""
    used = {header for column in mapping.columns for header in column.headers}
    for index, header in enumerate(mapping.ignored):
        if header in used:
            message = f"'{printable(header)}' is ignored, and fills a target as well"
            yield Problem("ignored_and_used", f"/ignored/{index}", message)
