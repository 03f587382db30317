"""The mappings that the service has for the exports of other programs."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

from importsvc.files.mapping.document import Mapping
from importsvc.files.mapping.parsing import read_mapping

_FOLDER = Path(__file__).with_name("ready_made_mappings")


class ReadyMade(NamedTuple):
    """A ready-made mapping.

    Attributes:
        key: stable, in snake_case: ``google_contacts``.
        name: of the export: ``Google Contacts``.
        mapping: for its headers in English. Columns that fill no target are ignored.
    """

    key: str
    name: str
    mapping: Mapping


def get_keys() -> list[str]:
    """The keys of all ready-made mappings, in order."""
    return sorted(path.stem for path in _FOLDER.glob("*.json"))


@cache
def get_ready_mades() -> tuple[ReadyMade, ...]:
    """All ready-made mappings, in the order of their keys. The registered types have to be known before."""
    return tuple(_read(_FOLDER / f"{key}.json") for key in get_keys())


def find_ready_made(key: str) -> ReadyMade | None:
    """The ready-made mapping of this key; ``None`` if there is none."""
    return next((ready_made for ready_made in get_ready_mades() if ready_made.key == key), None)


def _read(path: Path) -> ReadyMade:
    content = json.loads(path.read_text("utf-8"))
    return ReadyMade(path.stem, content["name"], read_mapping(content["mapping"]))
