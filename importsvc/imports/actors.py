"""Who did something to an import, in words that outlive them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal


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

    def to_json(self) -> dict[str, Any]:
        """As it is kept on the import: ``{"kind": "person", "name": "Ada", "id": 1}``."""
        return asdict(self)
