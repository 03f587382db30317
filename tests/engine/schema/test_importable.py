"""Declarations of what can be imported."""

from __future__ import annotations

import pytest

from importsvc.engine.parse.cells import text
from importsvc.engine.schema.importable import Column, Importable, Reference, has_computed_default, normalize_header
from people.models import Person
from tests.engine.example import NO_MODEL, PLAYER


def test_a_row_has_its_columns_before_its_references() -> None:
    assert PLAYER.column_names == ("first_name", "email", "nick", "tag_list", "team", "former_team")
    assert [PLAYER.position(name) for name in PLAYER.column_names] == [0, 1, 2, 3, 4, 5]


def test_headers_map_to_positions() -> None:
    assert PLAYER.headers == {"firstname": 0, "email": 1, "nick": 2, "taglist": 3, "team": 4, "formerteam": 5}


@pytest.mark.parametrize("header", ["First Name", "first_name", "FIRST-NAME", " first\u00a0name\t", "ﬁrst name"])
def test_headers_of_one_column_are_normalized_to_one(header: str) -> None:
    assert normalize_header(header) == "firstname"


@pytest.mark.parametrize(
    ("columns", "references"),
    [
        ((Column("name", clean=text), Column("name", clean=text)), ()),
        ((Column("first_name", clean=text), Column("firstname", clean=text)), ()),
        ((Column("team", clean=text),), (Reference("team", to="team", by="name"),)),
    ],
)
def test_two_columns_with_one_normalized_header_cannot_be_declared(
    columns: tuple[Column, ...], references: tuple[Reference, ...]
) -> None:
    with pytest.raises(ValueError, match="Two columns of player differ only in case, spaces, '_' or '-'"):
        Importable(name="player", model=NO_MODEL, columns=columns, references=references)


def test_the_fields_of_a_model_are_its_columns_the_organization_and_other_fields() -> None:
    importable = Importable(
        name="person",
        model=Person,
        columns=(Column("title", clean=text), Column("first_name", clean=text)),
        references=(Reference("company", to="company", by="name"),),
    )

    assert [field.attname for field in importable.fields] == ["title", "first_name", "company_id"]
    assert importable.organization_field.attname == "organization_id"
    other = [field.attname for field in importable.other_fields]
    everything = {"id", "organization_id", "title", "first_name", "company_id", *other}
    assert everything == {field.attname for field in Person._meta.concrete_fields}
    assert len(everything) == len(other) + 5


@pytest.mark.parametrize(
    ("name", "computed"),
    [("created_at", True), ("tag_list", False), ("is_user", False), ("title", False), ("first_name", False)],
)
def test_only_a_default_that_differs_each_time_is_computed(name: str, computed: bool) -> None:
    importable = Importable(name="person", model=Person, columns=(Column(name, clean=text),))

    assert has_computed_default(importable.fields[0]) is computed
