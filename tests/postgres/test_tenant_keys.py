"""Every relation between tenant tables is a foreign key in PostgreSQL's catalog that stays within a tenant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.models import Field, ForeignKey, Model

from people.author_key import AuthorForeignKey
from people.models import Author
from tests.foreign_keys import KEYS, CatalogKey, read_keys

TENANTS = "organizations_organization"


def own_models() -> list[type[Model]]:
    """The models of the project's own apps."""
    folders = (settings.BASE_DIR, settings.BASE_DIR / "importsvc")
    return [
        model
        for config in apps.get_app_configs()
        if Path(config.path).parent in folders
        for model in config.get_models(include_auto_created=True)
        if model._meta.managed
    ]


def relations() -> Iterator[tuple[type[Model], ForeignKey]]:
    """Every relation from one of these models to another."""
    models = own_models()
    for model in models:
        for field in model._meta.concrete_fields:
            if isinstance(field, ForeignKey) and field.related_model in models:
                yield model, field


RELATIONS = [pytest.param(model, field, id=str(field)) for model, field in relations()]


def find_columns(model: type[Model]) -> dict[str, Field]:
    return {str(field.column): field for field in model._meta.concrete_fields}


def find_key(model: type[Model], pairs: set[tuple[str, str]], referred: str) -> CatalogKey | None:
    """The key in the catalog that has these columns, and refers to these."""
    sought = (model._meta.db_table, referred, pairs)
    for key in read_keys().values():
        if (key.table, key.referred, set(zip(key.columns, key.referred_columns, strict=True))) == sought:
            return key
    return None


def test_relations_between_tables_of_tenants_are_found() -> None:
    assert {str(field) for _, field in relations()} >= {
        "companies.Company.organization",
        "people.Person.organization",
        "people.Person.company",
        "people.ApiToken.organization",
        "people.ApiToken.person",
        "imports.Import.organization",
        "imports.Import.creator",
        "imports.StagedChunk.import_record",
        "changelog.SingleChange.import_record",
        "changelog.CreatedChunk.import_record",
        "idempotency.IdempotencyKey.organization",
    }


@pytest.mark.parametrize(("model", "field"), RELATIONS)
def test_a_relation_is_a_key_in_the_catalog_with_the_organization_where_both_sides_have_one(
    db: None, model: type[Model], field: ForeignKey
) -> None:
    is_of_author = isinstance(field, AuthorForeignKey)
    target = Author if is_of_author else field.related_model
    pairs = {(str(field.column), "person_id" if is_of_author else str(field.target_field.column))}
    if "organization_id" in find_columns(model) and "organization_id" in find_columns(target):
        pairs.add(("organization_id", "organization_id"))

    key = find_key(model, pairs, target._meta.db_table)

    if key is None and target._meta.db_table == TENANTS:
        assert has_its_organization_from_another_key(model)
        return
    assert key is not None
    assert key.is_validated
    assert key.definition.startswith("FOREIGN KEY (")
    action = "CASCADE" if model is Author else "RESTRICT"
    assert key.definition.endswith(f") ON DELETE {action}"), "neither deferrable, nor with another action"


def has_its_organization_from_another_key(model: type[Model]) -> bool:
    """Whether another key, never null, refers to a record of the same organization."""
    columns = find_columns(model)
    return any(
        ("organization_id", "organization_id") in zip(key.columns, key.referred_columns, strict=True)
        and not any(columns[name].null for name in key.columns)
        for key in read_keys().values()
        if key.table == model._meta.db_table
    )


def test_the_catalog_has_the_keys_that_the_models_declare_and_no_other(db: None) -> None:
    declared = {
        name: (model._meta.db_table, key.get_columns(model), key.get_referred_model(model)._meta.db_table)
        for name, (model, key) in KEYS.items()
    }

    assert {
        name: (key.table, tuple(zip(key.columns, key.referred_columns, strict=True)), key.referred)
        for name, key in read_keys().items()
    } == declared


@pytest.mark.parametrize("name", KEYS)
def test_a_key_has_an_index_that_starts_with_its_columns(db: None, name: str) -> None:
    key = read_keys()[name]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ARRAY(SELECT pg_get_indexdef(indexrelid, position, false)"
            " FROM generate_series(1, indnkeyatts) AS position ORDER BY position)"
            " FROM pg_index WHERE indrelid = %s::regclass AND indisvalid"
            # The check looks for a value, so an index without nulls will do.
            " AND (indpred IS NULL OR pg_get_expr(indpred, indrelid) = ANY(%s))",
            [key.table, [f"({column} IS NOT NULL)" for column in key.columns]],
        )
        indexes = [columns for (columns,) in cursor]

    assert [columns for columns in indexes if set(columns[: len(key.columns)]) == set(key.columns)]
