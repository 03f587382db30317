"""Who did something to an import, in words that outlive them."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from importsvc.text.display import printable


@dataclass(frozen=True)
class Actor:
    """Who moved an import.

    Attributes:
        kind: a person by token, a staff user in the admin, or an operator at the command line.
        name: as staff know them: a person's or user's name, an operator's account on the machine.
        id: of the person or the staff user.
    """

    kind: Literal["person", "staff", "operator"]
    name: str
    id: int | None = None

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Actor:
        """As ``to_json`` had it."""
        return cls(**kept)

    def to_json(self) -> dict[str, Any]:
        """As it is kept on the import: ``{"kind": "person", "name": "Ada", "id": 1}``."""
        return asdict(self)

    def __str__(self) -> str:
        """``Ada Lovelace (person 1)``, ``staff admin``, ``operator root``."""
        return f"{self.name} (person {self.id})" if self.kind == "person" else f"{self.kind} {self.name}"


def find_operator() -> Actor:
    """Whoever runs the process: the account on the machine, by number if it has no name, as in some containers."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError, ImportError):
        name = f"uid {os.getuid()}"
    return Actor("operator", printable(name))
