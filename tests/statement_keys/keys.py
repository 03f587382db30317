"""The project's keys that are checked once for a statement, what is done with them, and what they say to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Model

from importsvc.postgres.copy import copy_rows
from importsvc.postgres.statement_keys import StatementForeignKey, find_statement_keys
from people.models import Person
from tests.snapshots import take_snapshot

COMPANY = "person_company_of_same_organization"

KEYS: dict[str, tuple[type[Model], StatementForeignKey]] = {
    key.name: (model, key) for model, key in find_statement_keys()
}


def drop_key(name: str, *, forget: pytest.MonkeyPatch | None = None) -> None:
    """Let the database hold a key no more, and with ``forget`` the model know of none."""
    model, key = KEYS[name]
    with connection.schema_editor() as editor:
        editor.remove_constraint(model, key)
    if forget:
        forget.setattr(model._meta, "constraints", [each for each in model._meta.constraints if each is not key])


def make_key(name: str) -> None:
    """Let the database hold a key that it does not, if it can be held."""
    model, key = KEYS[name]
    with transaction.atomic(), connection.schema_editor() as editor:
        editor.add_constraint(model, key)


# Who works for whom: pairs of ids, of an organization and of a company.
Refer = Callable[[Sequence[tuple[int, int | None]]], Any]


def people(keys: Sequence[tuple[int, int | None]]) -> list[Person]:
    return [
        Person(organization_id=organization_id, company_id=company_id, first_name=f"P{number}")
        for number, (organization_id, company_id) in enumerate(keys)
    ]


def one_by_one(keys: Sequence[tuple[int, int | None]]) -> None:
    for person in people(keys):
        person.save()


def many_at_once(keys: Sequence[tuple[int, int | None]]) -> None:
    Person.objects.bulk_create(people(keys))


def by_copy(keys: Sequence[tuple[int, int | None]]) -> None:
    columns = (
        *("organization_id", "company_id", "first_name", "is_user", "tag_list", "virtual", "autotracking"),
        *("created_at", "placeholder", "private_custom_reports_used"),
    )
    copy_rows(
        "people_person",
        columns,
        (
            f"{organization_id}\t{company_id or chr(92) + 'N'}\tP\tf\t{{}}\tf\tf\t2024-01-15\tf\t0\n"
            for organization_id, company_id in keys
        ),
    )


def by_update(keys: Sequence[tuple[int, int | None]]) -> None:
    """People that were there without a company are given one."""
    for organization_id, company_id in keys:
        Person.objects.filter(first_name="Grace").update(organization=organization_id, company=company_id)


REFERRING: list[Refer] = [one_by_one, many_at_once, by_copy, by_update]


def execute(sql: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def assert_refused(work: Callable[[], Any], message: str, *, table: str = "people_person", key: str = COMPANY) -> None:
    """It violates the key, by name, and changes nothing."""
    before = take_snapshot()
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        work()
    cause: Any = caught.value.__cause__
    said = cause.diag
    assert (cause.pgcode, said.constraint_name, said.table_name) == ("23503", key, table)
    assert f"{said.message_primary}. {said.message_detail}" == message
    assert take_snapshot() == before


def not_there(organization_id: int, company_id: int) -> str:
    key = f"Key (organization_id, company_id): {organization_id}, {company_id}"
    return f"people_person refers to what is not in companies_company. {key}"


def still_referred(organization_id: int, company_id: int) -> str:
    key = f"Key (organization_id, company_id): {organization_id}, {company_id}"
    return f"people_person still refers to what is in companies_company. {key}"
