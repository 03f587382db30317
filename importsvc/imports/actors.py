"""The actor that ran or reverted an import, stored by name: it stays readable after the account is deleted."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from importsvc.text.display import printable


@dataclass(frozen=True)
class Actor:
    """The actor that ran or reverted an import.

    Attributes:
        kind: a person (API token), a staff user (admin), or an operator (command line).
        name: the name of the person or user, or the operator's account on the machine.
        id: of the person or the staff user.
    """

    kind: Literal["person", "staff", "operator"]
    name: str
    id: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The arguments, as imports store them: ``{"kind": "person", "name": "Ada", "id": 1}``."""
        return asdict(self)

    @property
    def words_around_name(self) -> tuple[str, str]:
        """What is written before and after the name: nothing and `` (person 1)``, ``staff `` and nothing."""
        return ("", f" (person {self.id})") if self.kind == "person" else (f"{self.kind} ", "")

    def __str__(self) -> str:
        """``Ada Lovelace (person 1)``, ``staff admin``, ``operator root``."""
        before, after = self.words_around_name
        return f"{before}{self.name}{after}"


def read_actor(stored: Mapping[str, Any] | None) -> Actor | None:
    """The actor that ``Actor.to_json`` has stored; ``None`` if none is known."""
    return Actor(**stored) if stored else None


def find_operator() -> Actor:
    """The account that runs the process, by its number if it has no name, as in some containers."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError, ImportError):
        name = f"uid {os.getuid()}"
    return Actor("operator", printable(name))
