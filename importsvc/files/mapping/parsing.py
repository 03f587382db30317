"""Reads mappings from JSON, and finds every problem of one at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast, get_args

from importsvc.engine.schema import registry
from importsvc.files.mapping.consistency import find_contradictions, find_repeated_targets, find_wrong_steps
from importsvc.files.mapping.document import (
    ColumnMapping,
    Constant,
    DateOrder,
    DecimalSign,
    Formats,
    Join,
    Mapping,
    Separate,
    Split,
    Step,
    StripPrefix,
)
from importsvc.files.mapping.refusals import MappingInvalid, Problem, ProblemCode
from importsvc.files.mapping.targets import MEMBER_KINDS, find_target
from importsvc.text.display import printable

LARGEST_COLUMNS = 1_000
LARGEST_VALUES = 10_000
LONGEST_TEXT = 1_000

_MEMBERS = ("columns", "ignored", "formats", "match_by", "on_duplicate", "missing_companies")
_COLUMN_MEMBERS = ("headers", "targets", "steps", "values", "kind", "sheet")
_CHOICES = {"on_duplicate": ("error", "skip", "update"), "missing_companies": ("create", "error")}
_FORMATS = {"date_order": get_args(DateOrder), "decimal_sign": get_args(DecimalSign)}
_STEPS = {"constant": "value", "split": "at", "join": "separator", "strip_prefix": "prefix", "separate": "by"}
_SPLITS = ("first_space", "last_space")


def read_mapping(value: Any) -> Mapping:
    """The mapping that a JSON value describes. Members that are left out have their default.

    Raises:
        MappingInvalid: the value is no mapping, or names a target that no registered type has.
    """
    reader = _Reader()
    mapping = reader.read(value)
    if reader.problems:
        raise MappingInvalid(reader.problems)
    return mapping


class _Reader:
    """Reads as much of a value as there is, and collects the problems."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def read(self, value: Any) -> Mapping:
        members = self._object(value, "", _MEMBERS, "A mapping")
        columns = self._list(members.get("columns"), "/columns", LARGEST_COLUMNS)
        mapping = Mapping(
            columns=tuple(self._column(column, f"/columns/{index}") for index, column in enumerate(columns)),
            ignored=self._texts(members.get("ignored"), "/ignored"),
            formats=self._formats(members.get("formats")),
            match_by=self._choice(members.get("match_by"), "/match_by", _get_unique_columns()),
            **{name: self._required_choice(members, name, choices) for name, choices in _CHOICES.items()},
        )
        self.problems += find_repeated_targets(mapping)
        self.problems += find_contradictions(mapping)
        return mapping

    def _column(self, value: Any, path: str) -> ColumnMapping:
        known = len(self.problems)
        members = self._object(value, path, _COLUMN_MEMBERS, "A column")
        steps = self._list(members.get("steps"), f"{path}/steps", len(_STEPS) * 2)
        column = ColumnMapping(
            headers=self._texts(members.get("headers"), f"{path}/headers"),
            targets=self._texts(members.get("targets"), f"{path}/targets"),
            steps=tuple(filter(None, (self._step(step, f"{path}/steps/{i}") for i, step in enumerate(steps)))),
            values=self._values(members.get("values"), f"{path}/values"),
            kind=self._choice(members.get("kind"), f"{path}/kind", MEMBER_KINDS),
            sheet=self._text(members.get("sheet"), f"{path}/sheet"),
        )
        # With problems in its members, an entry may have lost headers, targets or steps.
        is_whole = len(column.steps) == len(steps) and column.headers + column.targets
        if is_whole or len(self.problems) == known:
            self._check_column(column, path)
        return column

    def _check_column(self, column: ColumnMapping, path: str) -> None:
        for problem in find_wrong_steps(column):
            self._add("wrong_steps", f"{path}/steps", problem)
        wanted = 2 if any(isinstance(step, Split) for step in column.steps) else 1
        if len(column.targets) != wanted:
            what = "A column that is split needs two targets" if wanted == 2 else "A column needs one target"
            self._add("wrong_targets", f"{path}/targets", f"{what}, and has {len(column.targets)}")
        if wanted == 2 and column.values:
            self._add("wrong_values", f"{path}/values", "A column that is split cannot have values as well")
        for index, name in enumerate(column.targets):
            self._check_target(name, column, f"{path}/targets/{index}")

    def _check_target(self, name: str, column: ColumnMapping, path: str) -> None:
        target = find_target(name)
        if target is None:
            self._add("unknown_target", path, f"'{printable(name)}' is not a target")
        elif target.member is not None and column.kind is None:
            kinds = ", ".join(MEMBER_KINDS)
            self._add("kind_required", path, f"'{printable(name)}' needs a kind: one of {kinds}")
        elif target.member is None and column.kind is not None:
            self._add("kind_not_allowed", path, f"'{name}' has a kind of its own, and takes no other")
        if target is not None and target.kind != "tags" and any(isinstance(step, Separate) for step in column.steps):
            self._add("wrong_targets", path, f"'{printable(name)}' takes no list, which the step separate makes")

    def _step(self, value: Any, path: str) -> Step | None:
        kind = value.get("step") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in _STEPS:
            self._add("unknown_step", path, f"A step is an object whose member step is one of {', '.join(_STEPS)}")
            return None
        argument = _STEPS[kind]
        self._object(value, path, ("step", argument), "This step")
        given = value.get(argument)
        place = f"{path}/{argument}"
        if given is None and (argument not in value or kind != "constant"):
            self._add("required", place, f"The step {kind} needs the member {argument}")
            return None
        if kind == "constant":
            return Constant(given) if self._is_scalar(given, place) else None
        if kind == "split":
            return Split(cast("Any", at)) if (at := self._choice(given, place, _SPLITS)) else None
        text = self._text(given, place, may_be_blank=kind == "join")
        if text is None:
            return None
        if kind == "separate":
            return Separate(text)
        return Join(text) if kind == "join" else StripPrefix(text)

    def _formats(self, value: Any) -> Formats:
        members = self._object({} if value is None else value, "/formats", tuple(_FORMATS), "Formats")
        return Formats(
            **{
                name: cast("Any", self._choice(members.get(name), f"/formats/{name}", choices))
                for name, choices in _FORMATS.items()
            }
        )

    def _values(self, value: Any, path: str) -> dict[str, Any]:
        members = {} if value is None else value
        if not isinstance(members, dict):
            self._add("not_an_object", path, "Values must be an object, from the file's values to those to take")
            return {}
        if len(members) > LARGEST_VALUES:
            self._add("too_many", path, f"There are at most {LARGEST_VALUES:,} values")
            return {}
        folded = [name.strip().casefold() for name in members]
        for index, (name, given) in enumerate(members.items()):
            place = f"{path}/{_escape(name)}"
            self._is_scalar(given, place)
            if not folded[index]:
                self._add("blank", place, "A value of the file cannot be blank")
        if len(set(folded)) < len(folded):
            self._add("repeated", path, "Two values differ only in case or in the spaces around them")
        return members

    def _required_choice(self, members: dict[str, Any], name: str, choices: Sequence[str]) -> Any:
        if name in members and members[name] is None:
            self._add("required", f"/{name}", f"Must be one of {', '.join(choices)}")
        return self._choice(members.get(name), f"/{name}", choices) or choices[0]

    def _choice(self, value: Any, path: str, choices: Sequence[str]) -> Any:
        if value is not None and (not isinstance(value, str) or value not in choices):
            self._add("not_a_choice", path, f"Must be one of {', '.join(choices)}")
            return None
        return value

    def _texts(self, value: Any, path: str) -> tuple[str, ...]:
        texts = [
            self._text(text, f"{path}/{index}", may_be_blank=False, may_be_null=False)
            for index, text in enumerate(self._list(value, path, LARGEST_COLUMNS))
        ]
        return tuple(text for text in texts if text is not None)

    def _text(self, value: Any, path: str, *, may_be_blank: bool = False, may_be_null: bool = True) -> str | None:
        if value is None and may_be_null:
            return None
        if not isinstance(value, str):
            self._add("not_text", path, "Must be text")
        elif not value.strip() and not may_be_blank:
            self._add("blank", path, "Can't be blank")
        elif len(value) > LONGEST_TEXT:
            self._add("too_long", path, f"Is too long (maximum is {LONGEST_TEXT:,} characters)")
        elif not _is_storable(value):
            self._add("not_storable", path, "Has a NUL character or half of a surrogate pair")
        else:
            return value
        return None

    def _is_scalar(self, value: Any, path: str) -> bool:
        if isinstance(value, str):
            return self._text(value, path, may_be_blank=True) is not None
        if isinstance(value, int | None) or (isinstance(value, float) and math.isfinite(value)):
            return True
        self._add("not_a_scalar", path, "Must be text, a number, a boolean or null")
        return False

    def _list(self, value: Any, path: str, largest: int) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, list):
            self._add("not_a_list", path, "Must be a list")
            return []
        if len(value) > largest:
            self._add("too_many", path, f"Has more than {largest:,} items")
            return []
        return value

    def _object(self, value: Any, path: str, known: Sequence[str], what: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._add("not_an_object", path, f"{what} must be an object with the members {', '.join(known)}")
            return {}
        for name in value:
            if name not in known:
                message = f"'{printable(name)}' is not a member; known are {', '.join(known)}"
                self._add("unknown_member", f"{path}/{_escape(name)}", message)
        return value

    def _add(self, code: ProblemCode, path: str, message: str) -> None:
        self.problems.append(Problem(code, path, message))


def _get_unique_columns() -> list[str]:
    """The names of all unique columns, by which rows can match records."""
    columns = (column for importable in registry.in_dependency_order() for column in importable.columns)
    return sorted({column.name for column in columns if column.unique})


def _is_storable(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _escape(name: str) -> str:
    """A member's name in a JSON Pointer."""
    return printable(name).replace("~", "~0").replace("/", "~1")
