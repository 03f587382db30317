"""A key that was made before is replaced while its tables are in use, and checked again after an interruption."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.db.migrations.executor import MigrationExecutor

from people.models import Author
from people.services import NewOrganization
from tests.builders import make_import, make_person
from tests.foreign_keys import CatalogKey, read_keys

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.one_server("the test replaces a key by hand, which a cluster allows only through its coordinator"),
]

NAME = "import_creator_of_same_organization"
BEFORE, AFTER = [("imports", "0014_add_import_of_operators")], [("imports", "0015_restrict_removal")]
AUTHORS = [("imports", "0016_refer_to_authors")]
AUTHOR_KEY = "people_author(organization_id, person_id)"
FORMER = f"ALTER TABLE imports_import DROP CONSTRAINT {NAME}, ADD CONSTRAINT {NAME} {{}}"


def execute(sql: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def migrate(target: Any) -> None:
    MigrationExecutor(connection).migrate(target)


@pytest.fixture
def declared(acme: NewOrganization) -> Iterator[CatalogKey]:
    """The key as the model declares it; the migration has not been applied, and there is a key as of before."""
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    last = read_keys()[NAME]
    migrate(AFTER)
    key = read_keys()[NAME]
    migrate(BEFORE)
    execute(FORMER.format(key.definition.replace(" ON DELETE RESTRICT", "")))
    yield key
    migrate(latest)  # later ones of other apps were undone as well
    assert read_keys()[NAME] == last


def test_a_key_without_a_restriction_is_replaced(acme: NewOrganization, declared: CatalogKey) -> None:
    grace = make_person(organization=acme.organization)
    make_import(creator=grace)
    assert read_keys()[NAME].definition == declared.definition.removesuffix(" ON DELETE RESTRICT")

    migrate(AFTER)

    assert declared.definition.endswith(" ON DELETE RESTRICT")
    assert read_keys()[NAME] == declared
    with pytest.raises(IntegrityError, match=NAME):
        execute("DELETE FROM people_person WHERE id = %s", grace.pk)


def test_rows_that_were_not_checked_are_checked_by_the_next_attempt(
    acme: NewOrganization, declared: CatalogKey
) -> None:
    execute(FORMER.format(f"{declared.definition} NOT VALID"))
    assert not read_keys()[NAME].is_validated

    migrate(AFTER)

    assert read_keys()[NAME] == declared


def test_rows_that_the_key_would_refuse_stop_the_migration(acme: NewOrganization, declared: CatalogKey) -> None:
    import_ = make_import(creator=acme.person)
    execute(f"ALTER TABLE imports_import DROP CONSTRAINT {NAME}")
    execute("UPDATE imports_import SET creator_id = 0 WHERE id = %s", import_.pk)
    execute(f"ALTER TABLE imports_import ADD CONSTRAINT {NAME} {declared.definition} NOT VALID")

    with pytest.raises(IntegrityError, match=NAME):
        migrate(AFTER)

    execute("UPDATE imports_import SET creator_id = %s WHERE id = %s", acme.person.pk, import_.pk)


def test_a_key_that_refers_to_people_is_replaced_by_one_to_authors_and_back(
    acme: NewOrganization, declared: CatalogKey
) -> None:
    grace = make_person(organization=acme.organization)
    make_import(creator=grace)
    execute("DELETE FROM people_author WHERE person_id = %s", grace.pk)
    migrate(AFTER)
    assert "REFERENCES people_person" in declared.definition

    migrate(AUTHORS)

    key = read_keys()[NAME]
    assert key.definition == declared.definition.replace("people_person(organization_id, id)", AUTHOR_KEY)
    assert key.is_validated
    assert Author.objects.filter(person=grace).exists()
    with pytest.raises(IntegrityError, match=NAME):
        execute("DELETE FROM people_person WHERE id = %s", grace.pk)

    migrate(AFTER)

    assert read_keys()[NAME] == declared
