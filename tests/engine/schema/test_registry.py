"""The types that can be imported, and their order."""

from __future__ import annotations

import pytest

from importsvc.engine.parse.cells import text
from importsvc.engine.schema import registry
from importsvc.engine.schema.importable import Column, Importable, Reference
from tests.engine.example import NO_MODEL


@pytest.fixture(autouse=True)
def _empty_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_importables", {})


def declare(name: str, *references: str) -> Importable:
    """A type that refers to other types by their names."""
    return Importable(
        name=name,
        model=NO_MODEL,
        columns=(Column("name", clean=text, unique=True), Column("nick", clean=text)),
        references=tuple(Reference(f"its_{to}", to=to, by="name") for to in references),
    )


def register(*importables: Importable) -> None:
    for importable in importables:
        registry.register(importable)


def test_a_type_is_found_by_its_name_until_it_is_unregistered() -> None:
    team = declare("team")

    assert registry.register(team) is team
    assert registry.get("team") is team
    registry.unregister("team")
    with pytest.raises(KeyError):
        registry.get("team")


def test_a_name_is_registered_once() -> None:
    register(declare("team"))

    with pytest.raises(ValueError, match="An importable named 'team' is registered already"):
        register(declare("team"))


@pytest.mark.parametrize(
    ("declared", "order"),
    [
        ([], []),
        (["team", "coach"], ["team", "coach"]),
        (["player:team", "team"], ["team", "player"]),
        (["match:player:team", "player:team", "team", "coach"], ["team", "coach", "player", "match"]),
    ],
)
def test_types_that_are_referred_to_come_first(declared: list[str], order: list[str]) -> None:
    register(*(declare(*written.split(":")) for written in declared))

    assert [importable.name for importable in registry.in_dependency_order()] == order


@pytest.mark.parametrize("by", ["name", "nick", "shoe"])
@pytest.mark.parametrize("to", ["team", "club"])
def test_a_reference_is_to_a_unique_column_of_a_type_that_exists(to: str, by: str) -> None:
    register(
        declare("team"),
        Importable(name="player", model=NO_MODEL, columns=(), references=(Reference("team", to=to, by=by),)),
    )

    if (to, by) == ("team", "name"):
        assert len(registry.in_dependency_order()) == 2
    else:
        with pytest.raises(ValueError, match=f"player.team refers to {to}.{by}, which is no unique column"):
            registry.in_dependency_order()


def test_a_type_that_refers_to_itself_is_refused() -> None:
    register(declare("team"), declare("player", "team", "player"))

    with pytest.raises(ValueError, match=r"^player\.its_player refers to its own type$"):
        registry.in_dependency_order()


def test_references_in_a_circle_are_refused() -> None:
    register(*(declare(*written.split(":")) for written in ["team", "a:b", "b:c", "c:a"]))

    with pytest.raises(ValueError, match="Importables refer to each other in a circle: a -> "):
        registry.in_dependency_order()
