"""The fields of the form of columns: one for each column of the file, with the targets that it may fill."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from importsvc.errors import DomainError
from importsvc.files import services as files
from importsvc.files.models import ImportFile
from importsvc.imports import services
from importsvc.wizard.access import Access

# What the field of a column may have besides targets: left open, and not imported.
OPEN, LEFT_OUT = "", "-"
SHOWN_SAMPLES = 3

# Proposals with at least this score are sure.
_SURE = 0.9
_GRADES = {"sure": "Sure", "likely": "Please check", "open": "Open", "set": "Chosen"}

_PLACE = re.compile(r"mapping/columns/(\d+)")
# Pairs of targets that a text is split into.
_SPLITS = [("person.first_name", "person.last_name")]


@dataclass(frozen=True)
class ColumnField:
    """A column of the file.

    Attributes:
        number: of the column, from 1; the name of its field has it.
        chosen: the value of its field.
        extra: a further choice, of a value that the list does not have; its value and text.
        grade: ``sure`` or ``likely`` for what is proposed, ``set`` for another choice, ``open`` for none.
        note: the grade in words.
        problems: what is wrong with the choice.
    """

    number: int
    header: str
    samples: Sequence[str]
    fill: int
    chosen: str
    extra: list[tuple[str, str]]
    grade: str
    note: str
    problems: list[str] = field(default_factory=list)


def read_choices(given: Mapping[str, str], file: ImportFile, access: Access) -> dict[str, Sequence[str] | None]:
    """What a sent form says of each header: its targets, none for one that is not imported, ``None`` if it is open."""
    chosen: dict[str, Sequence[str] | None] = {}
    for number, column in enumerate(file.columns, start=1):
        value = given.get(f"column-{number}", OPEN)
        if value == OPEN and "leave_out" in given:
            value = LEFT_OUT
        if value in (OPEN, LEFT_OUT):
            chosen[column["header"]] = None if value == OPEN else []
        else:
            chosen[column["header"]] = _read_targets(value)
    return keep_allowed(chosen, access)


def keep_allowed(chosen: Mapping[str, Sequence[str] | None], access: Access) -> dict[str, Sequence[str] | None]:
    """The targets of each header; a choice with a type that the access is not for is open."""
    return {
        header: None if targets is None or not all(may_fill(access, target) for target in targets) else targets
        for header, targets in chosen.items()
    }


def describe_columns(
    access: Access,
    file: ImportFile,
    chosen: Mapping[str, Sequence[str] | None],
    document: Mapping[str, Any],
    refused: Sequence[DomainError],
) -> list[ColumnField]:
    """The columns of a file with what is chosen for each, and with what of ``document`` was refused."""
    listed = {value for _, choices in list_choices(None) for value, _ in choices}
    problems = _find_problems(document, refused)
    fields = []
    for number, column in enumerate(file.columns, start=1):
        header, targets = column["header"], chosen.get(column["header"])
        value = OPEN if targets is None else _write_targets(targets) if targets else LEFT_OUT
        own = [(f"{name}.custom_fields.{header}", f"Custom field “{header}”") for name in _list_custom_types(access)]
        extra = [choice for choice in own if choice[0] != value]
        if value not in listed and value not in (OPEN, LEFT_OUT):
            extra.insert(0, (value, name_targets(targets or ())))
        grade = _grade(column["proposal"], targets)
        fields.append(
            ColumnField(
                number=number,
                header=header,
                samples=column["samples"][:SHOWN_SAMPLES],
                fill=round(column["fill_rate"] * 100),
                chosen=value,
                extra=extra,
                grade=grade,
                note=_GRADES[grade] if targets or targets is None else "Not imported",
                problems=problems.get(header, []),
            )
        )
    return fields


def list_choices(access: Access | None) -> list[tuple[str, list[tuple[str, str]]]]:
    """The targets that columns may fill, by type: the value and the text of each. Without ``access``, all of them."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for target in files.list_targets():
        if (access is None or may_fill(access, target.name)) and target.kind != "object":
            groups.setdefault(target.type_name, []).append((target.name, _label(target.column)))
    for pair in _SPLITS:
        type_name = pair[0].partition(".")[0]
        if type_name in groups:
            groups[type_name].insert(0, (_write_targets(pair), "Full name, split into first and last"))
    return [(name.capitalize(), choices) for name, choices in reversed(groups.items())]


def list_match_keys() -> list[tuple[str, str]]:
    """The columns by which rows may match existing records, with their names."""
    return [(key, _label(key)) for key in services.get_match_keys()]


def name_targets(targets: Sequence[str]) -> str:
    """Targets in words: ``Person: First name and Last name``."""
    types = " and ".join(dict.fromkeys(target.partition(".")[0].capitalize() for target in targets))
    return f"{types}: {' and '.join(_label(target.partition('.')[2]) for target in targets)}"


def _write_targets(targets: Sequence[str]) -> str:
    """Targets as the value of a field: the name of one, or JSON."""
    return targets[0] if len(targets) == 1 else json.dumps(targets)


def _read_targets(value: str) -> list[str]:
    text = value.replace("\0", "")
    try:
        targets = json.loads(text) if text.startswith("[") else [text]
    except ValueError:
        return [text]
    return [str(target) for target in targets]


def _label(column: str) -> str:
    name = column.removeprefix("custom_fields.")
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:] if name == column else f"Custom field “{name}”"


def _list_custom_types(access: Access) -> list[str]:
    targets = [target for target in files.list_targets() if may_fill(access, target.name)]
    return [target.type_name for target in targets if target.column == "custom_fields"][::-1]


def may_fill(access: Access, target: str) -> bool:
    """Whether the access is for the type of a target."""
    return not access.types or target.partition(".")[0] in access.types


def _grade(proposal: Mapping[str, Any] | None, targets: Sequence[str] | None) -> str:
    if targets is None:
        return "open"
    if proposal is None or list(proposal["targets"]) != list(targets):
        return "set"
    return "sure" if proposal["score"] >= _SURE else "likely"


def _find_problems(document: Mapping[str, Any], refused: Sequence[DomainError]) -> dict[str, list[str]]:
    """The refusals by the header that they are about."""
    found: dict[str, list[str]] = {}
    for error in refused:
        place = _PLACE.match(error.attribute or "")
        columns = document["columns"]
        if place and int(place[1]) < len(columns):
            for header in columns[int(place[1])]["headers"]:
                found.setdefault(header, []).append(str(error.detail))
    return found
