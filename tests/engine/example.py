"""A type for tests of the engine without a database: its model is never queried."""

from __future__ import annotations

from typing import Any

from importsvc.engine.parse.cells import email, tags, text, whole_number
from importsvc.engine.schema.importable import Column, Importable, Reference

NO_MODEL: Any = None

TEAM = Importable(
    name="team",
    model=NO_MODEL,
    columns=(Column("name", clean=text, required=True, unique=True), Column("due_days", clean=whole_number)),
)
PLAYER = Importable(
    name="player",
    model=NO_MODEL,
    columns=(
        Column("first_name", clean=text, required=True),
        Column("email", clean=email, required=True, unique=True),
        Column("nick", clean=text, unique=True),
        Column("tag_list", clean=tags),
    ),
    references=(Reference("team", to="team", by="name"), Reference("former_team", to="team", by="name")),
)

MATCHED_TEAM = Importable(name="team", model=NO_MODEL, columns=TEAM.columns, match_key="name")
MATCHED_PLAYER = Importable(
    name="player", model=NO_MODEL, columns=PLAYER.columns, references=PLAYER.references, match_key="email"
)


def player(number: int, **cells: object) -> dict[str, object]:
    """A valid row."""
    return {"first_name": f"P{number}", "email": f"p{number}@acme.test", **cells}


def planned_player(number: int, **values: object) -> tuple[Any, ...]:
    """The clean values of that row."""
    filled = {**player(number), **values}
    return tuple(filled.get(name) for name in PLAYER.column_names)
