"""The registry of these tests: a chain of three types, as the service has two of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from importsvc.engine.parse import cells
from importsvc.engine.schema import registry
from importsvc.engine.schema.importable import Column, Importable, Reference

NO_MODEL: Any = None
DEAL = Importable(
    name="deal",
    model=NO_MODEL,
    columns=(Column("name", clean=cells.text, required=True), Column("value", clean=cells.money)),
    references=(Reference("company", to="company", by="name"), Reference("contact", to="person", by="email")),
)


@pytest.fixture
def with_deals() -> Iterator[None]:
    """A third type, which refers to both others."""
    registry.register(DEAL)
    yield
    registry.unregister("deal")
