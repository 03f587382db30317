"""What is referred to is not removed and keeps its key, also while others refer to it at the same time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, NotSupportedError, transaction
from django.db.models import ProtectedError

from companies.models import Company
from people.models import Person
from tests.builders import make_company, make_organization, make_person
from tests.interleaving import PATIENCE_SECONDS, Gate, Steps, hold, threads
from tests.statement_keys.keys import (
    REFERRING,
    Refer,
    assert_refused,
    execute,
    many_at_once,
    one_by_one,
    still_referred,
)


def test_what_is_referred_to_is_not_removed(employee: Person) -> None:
    company = Company.objects.get(people=employee)
    message = still_referred(company.organization_id, company.pk)
    other = make_company(organization=company.organization, name="Blues")

    for ids in ([company.pk], [other.pk, company.pk]):
        assert_refused(lambda ids=ids: execute("DELETE FROM companies_company WHERE id = ANY(%s)", ids), message)  # type: ignore[misc]
    with pytest.raises(ProtectedError):
        company.delete()


def test_what_nothing_refers_to_any_more_is_removed(employee: Person) -> None:
    company = Company.objects.get(people=employee)
    other = make_company(organization=company.organization, name="Blues")

    other.delete()
    Person.objects.filter(pk=employee.pk).update(company=None)
    execute("DELETE FROM companies_company WHERE id = %s", company.pk)

    assert not Company.objects.filter(name__in=["Reds", "Blues"]).exists()


def test_what_is_referred_to_keeps_its_key(employee: Person) -> None:
    company = Company.objects.get(people=employee)
    other = make_organization().organization
    message = still_referred(company.organization_id, company.pk)

    assert_refused(lambda: Company.objects.filter(pk=company.pk).update(organization=other), message)
    assert_refused(lambda: Company.objects.filter(pk=company.pk).update(id=company.pk + 1_000), message)
    assert Company.objects.filter(pk=company.pk).update(organization=company.organization_id, name="Greens") == 1
    Person.objects.filter(pk=employee.pk).update(company=None)
    assert Company.objects.filter(pk=company.pk).update(organization=other) == 1


def test_a_table_that_is_referred_to_is_not_emptied(employee: Person) -> None:
    execute("TRUNCATE people_apitoken, imports_import, changelog_change")
    Person.objects.exclude(pk=employee.pk).update(company=None)
    message = still_referred(employee.organization_id, employee.company_id or 0)

    assert_refused(lambda: execute("TRUNCATE companies_company"), message)

    execute("TRUNCATE companies_company, people_person")
    assert (Company.objects.count(), Person.objects.count()) == (0, 0)


def at_level(level: str, work: Callable[[], Any]) -> None:
    with transaction.atomic():
        execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        work()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_what_could_be_referred_to_is_not_removed_where_that_cannot_be_seen(company: Company, level: str) -> None:
    with pytest.raises(NotSupportedError, match="only removed at the isolation level READ COMMITTED"):
        at_level(level, lambda: execute("DELETE FROM companies_company WHERE id = %s", company.pk))

    at_level(level, lambda: make_person(organization=company.organization, company=company))
    assert list(Person.objects.filter(company=company).values_list("first_name", flat=True)) == ["Grace"]


# --- two at a time ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("refer", REFERRING)
def test_what_is_being_referred_to_is_not_removed_meanwhile(
    company: Company, grace: Person, monkeypatch: pytest.MonkeyPatch, refer: Refer
) -> None:
    gate = Gate(monkeypatch, Steps, "stop")

    with threads() as others:
        first = others.start(hold(lambda: refer([(company.organization_id, company.pk)])))
        gate.wait()
        second = others.start_blocked(lambda: execute("DELETE FROM companies_company WHERE id = %s", company.pk))
        gate.open()

    assert first.result(PATIENCE_SECONDS) is None
    assert isinstance(second.result(), IntegrityError)
    assert "people_person still refers to what is in companies_company" in str(second.result())
    assert Person.objects.filter(company=company).count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("refer", REFERRING)
def test_what_is_being_removed_cannot_be_referred_to_meanwhile(
    company: Company, grace: Person, monkeypatch: pytest.MonkeyPatch, refer: Refer
) -> None:
    gate = Gate(monkeypatch, Steps, "stop")

    with threads() as others:
        first = others.start(hold(lambda: execute("DELETE FROM companies_company WHERE id = %s", company.pk)))
        gate.wait()
        second = others.start_blocked(lambda: refer([(company.organization_id, company.pk)]))
        gate.open()

    assert first.result(PATIENCE_SECONDS) is None
    assert isinstance(second.result(), IntegrityError)
    assert "people_person refers to what is not in companies_company" in str(second.result())
    assert not Person.objects.filter(company=company.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_two_may_refer_to_the_same_at_once(company: Company, grace: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch, Steps, "stop")
    keys = [(company.organization_id, company.pk)]

    with threads() as others:
        first = others.start(hold(lambda: one_by_one(keys)))
        gate.wait()
        assert others.start(lambda: many_at_once(keys)).result(PATIENCE_SECONDS) is None
        gate.open()

    assert first.result(PATIENCE_SECONDS) is None
    assert Person.objects.filter(company=company).count() == 2
