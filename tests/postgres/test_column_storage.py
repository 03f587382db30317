"""The storage of a column is set by a migration, and set back when it is undone."""

from __future__ import annotations

from django.apps import apps
from django.db import connection
from django.db.migrations.state import ProjectState

from importsvc.postgres.column_storage import SetColumnStorage


def read_storage() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attstorage FROM pg_attribute WHERE attrelid = 'imports_stagedchunk'::regclass AND attname = 'keys'"
        )
        return str(cursor.fetchone()[0])


def test_the_storage_of_a_column_is_set_and_set_back(db: None) -> None:
    operation = SetColumnStorage("stagedchunk", "keys", "EXTERNAL")
    state = ProjectState.from_apps(apps)
    assert read_storage() == "e"  # as the migrations leave it

    with connection.schema_editor() as editor:
        operation.database_backwards("imports", editor, state, state)
    assert read_storage() == "x"
    with connection.schema_editor() as editor:
        operation.database_forwards("imports", editor, state, state)
    assert read_storage() == "e"


def test_sqlmigrate_shows_the_statement(db: None) -> None:
    state = ProjectState.from_apps(apps)

    with connection.schema_editor(collect_sql=True) as editor:
        SetColumnStorage("stagedchunk", "keys", "EXTERNAL").database_forwards("imports", editor, state, state)

    assert editor.collected_sql == ['ALTER TABLE "imports_stagedchunk" ALTER COLUMN "keys" SET STORAGE EXTERNAL;']
