"""Concurrent writes at either isolation level never leave a row that refers to a missing one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import product
from typing import Any

import psycopg2
import pytest
from django.db import connection, transaction

from companies.models import Company
from importsvc.postgres.copy import copy_rows
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_company, make_person
from tests.interleaving import PATIENCE_SECONDS, Gate, Steps, ask, threads

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.one_server("a cluster refuses MERGE without the organization; its nodes check keys as one server does"),
]

READ_COMMITTED, REPEATABLE_READ = "READ COMMITTED", "REPEATABLE READ"
LEVELS = [READ_COMMITTED, REPEATABLE_READ]

# The refusal of a reference to a row that was removed after the transaction's snapshot.
REFUSED = {READ_COMMITTED: "violates the key", REPEATABLE_READ: "cannot be serialized"}

PERSON = (
    "organization_id, company_id, first_name, is_user, tag_list, virtual, autotracking, created_at, placeholder,"
    " private_custom_reports_used"
)
VALUES = "%(organization)s, %(company)s, 'Eve', false, '{}', false, false, now(), false, 0"


def execute(sql: str, **parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


# --- writes of rows that refer to the company -------------------------------------------------------------------------


def insert(company: Company) -> None:
    execute(
        f"INSERT INTO people_person ({PERSON}) VALUES ({VALUES})",
        organization=company.organization_id,
        company=company.pk,
    )


def update(company: Company) -> None:
    execute("UPDATE people_person SET company_id = %(company)s WHERE first_name = 'Grace'", company=company.pk)


def copy(company: Company) -> None:
    row = f"{company.organization_id}\t{company.pk}\tEve\tf\t{{}}\tf\tf\t2024-01-15\tf\t0\n"
    copy_rows("people_person", PERSON.split(", "), [row])


def merge_insert(company: Company) -> None:
    execute(
        "MERGE INTO people_person AS person USING (SELECT 'Eve' AS name) AS given ON person.first_name = given.name"
        f" WHEN NOT MATCHED THEN INSERT ({PERSON}) VALUES ({VALUES})",
        organization=company.organization_id,
        company=company.pk,
    )


def merge_update(company: Company) -> None:
    execute(
        "MERGE INTO people_person AS person USING (SELECT 'Grace' AS name) AS given ON person.first_name = given.name"
        " WHEN MATCHED THEN UPDATE SET company_id = %(company)s",
        company=company.pk,
    )


# --- writes of the company --------------------------------------------------------------------------------------------


def delete(company: Company) -> None:
    execute("DELETE FROM companies_company WHERE id = %(company)s", company=company.pk)


def change_key(company: Company) -> None:
    execute("UPDATE companies_company SET id = -id WHERE id = %(company)s", company=company.pk)


Write = Callable[[Company], None]
REFERRING: list[Write] = [insert, update, copy, merge_insert, merge_update]
REMOVING: list[Write] = [delete, change_key]


@pytest.fixture
def grace(acme: NewOrganization) -> Person:
    """A person without a company."""
    return make_person(organization=acme.organization)


@pytest.fixture
def make_next(grace: Person) -> Callable[[], Company]:
    """Creates a new company without people, for the next attempt."""
    if int(ask("SHOW server_version_num")) < 15_00_00:
        pytest.skip("PostgreSQL 14 has no MERGE")

    def make() -> Company:
        Person.objects.filter(first_name="Eve").delete()
        Person.objects.filter(pk=grace.pk).update(company=None)
        return make_company(organization=grace.organization, name="Reds")

    return make


def at(level: str, *steps: Callable[[], Any]) -> Callable[[], None]:
    """The steps in one transaction of this level, whose snapshot is taken before the first."""

    def run() -> None:
        with transaction.atomic():
            execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
            ask("SELECT count(*) FROM companies_company")
            for step in steps:
                step()

    return run


def run_both(level: str, first: Callable[[], Any], second: Callable[[], Any]) -> str:
    """The outcome of the second, which starts after the first has done its work and before its commit."""
    with pytest.MonkeyPatch.context() as patch, threads() as background:
        gate = Gate(patch, Steps, "stop")
        one = background.start(at(level, first, lambda: Steps.stop()))
        gate.wait()
        other = background.start_blocked(at(level, second))
        gate.open()
    assert one.result(PATIENCE_SECONDS) is None
    return describe(other.result(PATIENCE_SECONDS))


def describe(outcome: object) -> str:
    """The outcome of a transaction; the codes are from PostgreSQL's manual, appendix A."""
    if outcome is None:
        return "committed"
    code = getattr(outcome, "pgcode", None) or getattr(getattr(outcome, "__cause__", None), "pgcode", None)
    named = {"23001": "violates the key", "23503": "violates the key", "40001": "cannot be serialized"}
    return named.get(str(code), repr(outcome))


def count_orphans() -> int:
    return int(
        ask(
            "SELECT count(*) FROM people_person AS person WHERE company_id IS NOT NULL AND NOT EXISTS ("
            " SELECT FROM companies_company AS company"
            " WHERE company.id = person.company_id AND company.organization_id = person.organization_id)"
        )
    )


def for_each_pair(outcome: str) -> dict[tuple[str, str], tuple[str, bool, int]]:
    return {(refer.__name__, remove.__name__): (outcome, True, 0) for refer in REFERRING for remove in REMOVING}


@pytest.mark.parametrize("level", LEVELS)
def test_a_row_that_is_being_referred_to_is_not_removed(make_next: Callable[[], Company], level: str) -> None:
    outcomes = {}
    for refer, remove in product(REFERRING, REMOVING):
        company = make_next()
        outcome = run_both(level, partial(refer, company), partial(remove, company))
        is_there = Person.objects.filter(company=company).count() == 1
        outcomes[refer.__name__, remove.__name__] = (outcome, is_there, count_orphans())

    assert outcomes == for_each_pair("violates the key")


@pytest.mark.parametrize("level", LEVELS)
def test_a_row_that_is_being_removed_is_not_referred_to(make_next: Callable[[], Company], level: str) -> None:
    outcomes = {}
    for refer, remove in product(REFERRING, REMOVING):
        company = make_next()
        outcome = run_both(level, partial(remove, company), partial(refer, company))
        is_gone = not Company.objects.filter(pk=company.pk).exists()
        outcomes[refer.__name__, remove.__name__] = (outcome, is_gone, count_orphans())

    assert outcomes == for_each_pair(REFUSED[level])


@pytest.mark.parametrize("level", LEVELS)
def test_a_row_is_removed_once_the_last_row_that_refers_to_it_is_removed(
    make_next: Callable[[], Company], level: str
) -> None:
    outcomes = {}
    for remove in REMOVING:
        company = make_next()
        insert(company)
        unrefer = partial(execute, "DELETE FROM people_person WHERE first_name = 'Eve'")
        outcome = run_both(level, unrefer, partial(remove, company))
        outcomes[remove.__name__] = (outcome, Company.objects.filter(pk=company.pk).exists(), count_orphans())

    # At REPEATABLE READ the snapshot of the second transaction still has the row that refers.
    expected = ("committed", False, 0) if level == READ_COMMITTED else (REFUSED[level], True, 0)
    assert outcomes == {remove.__name__: expected for remove in REMOVING}


@contextmanager
def another_connection(level: str) -> Iterator[Any]:
    """A cursor of another connection, in a transaction of this level that has its snapshot."""
    other = psycopg2.connect(**connection.get_connection_params())
    try:
        other.set_session(isolation_level=level)
        with other.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM companies_company")
            yield cursor
    finally:
        other.close()


def try_commit(cursor: Any, sql: str, *parameters: Any) -> str:
    try:
        cursor.execute(sql, parameters)
        cursor.connection.commit()
    except psycopg2.DatabaseError as error:
        return describe(error)
    return describe(None)


@pytest.mark.parametrize("level", LEVELS)
def test_a_reference_that_a_snapshot_does_not_have_keeps_the_row(make_next: Callable[[], Company], level: str) -> None:
    outcomes = {}
    for refer in REFERRING:
        company = make_next()
        with another_connection(level) as cursor:
            refer(company)
            outcome = try_commit(cursor, "DELETE FROM companies_company WHERE id = %s", company.pk)
        outcomes[refer.__name__] = (outcome, count_orphans())

    assert outcomes == {refer.__name__: ("violates the key", 0) for refer in REFERRING}


@pytest.mark.parametrize("level", LEVELS)
def test_a_row_that_only_a_snapshot_has_is_not_referred_to(make_next: Callable[[], Company], level: str) -> None:
    outcomes = {}
    for remove in REMOVING:
        company = make_next()
        with another_connection(level) as cursor:
            remove(company)
            set_company = "UPDATE people_person SET company_id = %s WHERE first_name = 'Grace'"
            outcome = try_commit(cursor, set_company, company.pk)
        outcomes[remove.__name__] = (outcome, count_orphans())

    assert outcomes == {remove.__name__: (REFUSED[level], 0) for remove in REMOVING}


def test_two_transactions_may_refer_to_one_row_at_once(
    make_next: Callable[[], Company], monkeypatch: pytest.MonkeyPatch
) -> None:
    company = make_next()
    with threads() as background:
        gate = Gate(monkeypatch, Steps, "stop")
        first = background.start(at(READ_COMMITTED, partial(copy, company), lambda: Steps.stop()))
        gate.wait()
        assert background.start(at(READ_COMMITTED, partial(insert, company))).result(PATIENCE_SECONDS) is None
        gate.open()

    assert first.result(PATIENCE_SECONDS) is None
    assert Person.objects.filter(company=company).count() == 2
