"""A table is vacuumed after the commit of an import or a revert that wrote a large part of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from companies.models import Company
from importsvc.imports.errors import RowsInvalid
from importsvc.imports.models import Import, ImportState
from importsvc.postgres.vacuum import LARGEST_TABLE, VACUUMED_FROM, vacuum_tables
from people.services import NewOrganization
from tests.builders import make_company
from tests.imports.steps import import_rows, revert

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.one_server("each node has the statistics of its own part of a table"),
]

TABLE = Company._meta.db_table


@pytest.fixture(autouse=True)
def no_autovacuum(db: None) -> Iterator[None]:
    """Autovacuum leaves the table alone, and has not visited it before."""
    execute(f"ALTER TABLE {TABLE} SET (autovacuum_enabled = false)")
    execute(f"TRUNCATE {TABLE} CASCADE")
    yield
    execute(f"ALTER TABLE {TABLE} RESET (autovacuum_enabled)")


def execute(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def make_rows(count: int, **values: Any) -> dict[str, Any]:
    return {"company": [{"name": f"Company {number}", **values} for number in range(count)]}


def is_vacuumed() -> bool:
    """Whether rows of the table are known to be visible to all transactions. Only a vacuum finds that out."""
    ((pages,),) = execute(f"SELECT relallvisible FROM pg_class WHERE oid = '{TABLE}'::regclass")
    return bool(pages)


def test_a_large_import_leaves_a_table_that_is_vacuumed(acme: NewOrganization) -> None:
    import_rows(acme, make_rows(VACUUMED_FROM))

    assert is_vacuumed()


def test_an_import_that_updates_many_records_leaves_a_table_that_is_vacuumed(acme: NewOrganization) -> None:
    for start in range(0, VACUUMED_FROM, VACUUMED_FROM // 2):
        names = [f"Company {number}" for number in range(start, start + VACUUMED_FROM // 2)]
        import_rows(acme, {"company": [{"name": name} for name in names]})
    assert not is_vacuumed()

    import_rows(acme, make_rows(VACUUMED_FROM, due_days=7), on_duplicate="update")

    assert is_vacuumed()


def test_a_large_revert_leaves_no_deleted_row_in_the_indexes(acme: NewOrganization) -> None:
    import_ = import_rows(acme, make_rows(VACUUMED_FROM))

    revert(import_)

    execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
    (((plan,),),) = execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT id FROM {TABLE} WHERE id > 0")
    execute("RESET enable_seqscan; RESET enable_bitmapscan")
    assert is_vacuumed()
    assert plan["Plan"]["Heap Fetches"] == 0
    assert plan["Plan"]["Shared Hit Blocks"] < 10


def test_a_small_import_vacuums_nothing(acme: NewOrganization) -> None:
    import_rows(acme, make_rows(VACUUMED_FROM - 1))

    assert not is_vacuumed()


def test_a_table_that_is_much_larger_is_left_to_autovacuum(acme: NewOrganization) -> None:
    make_company(organization=acme.organization, name="One")
    execute(f"UPDATE pg_class SET reltuples = {VACUUMED_FROM * LARGEST_TABLE + 1} WHERE oid = '{TABLE}'::regclass")

    vacuum_tables({TABLE: VACUUMED_FROM})

    assert not is_vacuumed()

    vacuum_tables({TABLE: VACUUMED_FROM + 1})

    assert is_vacuumed()


def test_an_import_that_is_rolled_back_vacuums_nothing(acme: NewOrganization) -> None:
    make_company(organization=acme.organization, name="One")

    with transaction.atomic():
        import_rows(acme, make_rows(VACUUMED_FROM))
        transaction.set_rollback(True)

    assert not is_vacuumed()


def test_a_refused_import_vacuums_nothing(acme: NewOrganization) -> None:
    make_company(organization=acme.organization, name="One")
    rows = make_rows(VACUUMED_FROM)

    with transaction.atomic(), pytest.raises(RowsInvalid):
        import_rows(acme, {"company": [*rows["company"], {"name": ""}]})

    assert not is_vacuumed()


def test_an_import_in_a_callers_transaction_is_followed_by_a_vacuum_when_that_commits(acme: NewOrganization) -> None:
    with transaction.atomic():
        import_rows(acme, make_rows(VACUUMED_FROM))
        assert not is_vacuumed()

    assert is_vacuumed()


def test_within_a_transaction_nothing_is_vacuumed(acme: NewOrganization) -> None:
    make_company(organization=acme.organization, name="One")

    with transaction.atomic():
        vacuum_tables({TABLE: VACUUMED_FROM})

    assert not is_vacuumed()


def test_a_vacuum_that_fails_is_logged_and_the_import_is_done(
    acme: NewOrganization, caplog: pytest.LogCaptureFixture
) -> None:
    def end_the_connection() -> None:
        with suppress(OperationalError):
            execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with transaction.atomic():
        transaction.on_commit(end_the_connection)
        import_ = import_rows(acme, make_rows(VACUUMED_FROM))

    assert Import.objects.get(pk=import_.pk).state == ImportState.PROCESSED
    assert Company.objects.filter(name__startswith="Company ").count() == VACUUMED_FROM
    assert [(record.levelname, record.name) for record in caplog.records] == [("WARNING", "importsvc.postgres.vacuum")]
    assert caplog.messages[0].startswith("VACUUM after a commit failed, and is left to autovacuum: ")
