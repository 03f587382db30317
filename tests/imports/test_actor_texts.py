"""An actor is shown by its name, which is isolated from the words around it, whatever it looks like."""

from __future__ import annotations

import pytest

from importsvc.imports.actor_texts import show_actor
from importsvc.imports.actors import Actor


@pytest.mark.parametrize(
    ("actor", "shown"),
    [
        (Actor("person", "Ada <Lovelace>", 1), "<bdi>Ada &lt;Lovelace&gt;</bdi> (person 1)"),
        (Actor("person", "Ada (person 2)", 1), "<bdi>Ada (person 2)</bdi> (person 1)"),
        (Actor("staff", "ada (person 2)", 1), "staff <bdi>ada (person 2)</bdi>"),
        (Actor("operator", "root"), "operator <bdi>root</bdi>"),
    ],
)
def test_only_the_name_of_an_actor_is_isolated_also_if_it_looks_like_an_actor(actor: Actor, shown: str) -> None:
    assert show_actor(actor) == shown
