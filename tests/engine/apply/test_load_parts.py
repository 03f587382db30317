"""An import that takes several loads: what no row says is the same in all of them, and rows are numbered on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import transaction

from companies.models import Company
from importsvc.changelog.models import Change
from importsvc.engine.apply.load import PlanError, load
from importsvc.engine.errors import RowError
from importsvc.engine.parse.rows import CleanRows
from importsvc.engine.plan.lookups import Lookups
from importsvc.engine.plan.plan import Plan, PlannedRecords, make_plan
from importsvc.engine.schema import registry
from importsvc.engine.schema.defaults import Defaults
from importsvc.imports.models import Import
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_import
from tests.engine.apply.test_load import company_row, person_row, rows_of, write
from tests.engine.apply.test_load import make_plan as plan_of_values
from tests.snapshots import take_snapshot


@pytest.fixture
def import_(acme: NewOrganization) -> Import:
    return make_import(creator=acme.person)


def write_in_parts(import_: Import, defaults: Defaults, *plans: Plan) -> None:
    for plan in plans:
        load(plan, organization=import_.organization, import_id=import_.pk, defaults=defaults)


def test_what_no_row_says_is_the_same_however_many_loads_an_import_takes(
    import_: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([datetime(2024, 1, day, tzinfo=UTC) for day in range(1, 30)])
    monkeypatch.setattr(Company._meta.get_field("created_at"), "_get_default", lambda: next(times))
    currencies = iter(["CHF", "JPY"])
    asked: list[Any] = []

    def ask_default(organization: Any) -> str:
        asked.append(organization)
        return next(currencies)

    company = registry.get("company")
    column = replace(company.columns[1], default=ask_default)
    spied = replace(company, columns=(company.columns[0], column, *company.columns[2:]))
    plans = [
        Plan([PlannedRecords(spied, [company_row(name), company_row(f"{name}2", default_currency="EUR")])], ["company"])
        for name in ("A", "B")
    ]

    write_in_parts(import_, Defaults(import_.organization), *plans)

    assert asked == [import_.organization]
    made = rows_of(Company, name__in=["A", "A2", "B", "B2"])
    assert [(row["name"], row["default_currency"], row["created_at"].day) for row in made] == [
        ("A", "CHF", 1),
        ("A2", "EUR", 1),
        ("B", "CHF", 1),
        ("B2", "EUR", 1),
    ]
    assert [change["after"] for change in rows_of(Change)] == [
        {"name": "A", "default_currency": "CHF"},
        {"name": "A2", "default_currency": "EUR"},
        {"name": "B", "default_currency": "CHF"},
        {"name": "B2", "default_currency": "EUR"},
    ]


def test_what_all_records_share_is_described_by_type_and_column_as_it_was_stored(
    acme: NewOrganization, import_: Import
) -> None:
    defaults = Defaults(import_.organization)
    assert defaults.describe() == {}

    write_in_parts(
        import_, defaults, plan_of_values(companies=[company_row("Reds")]), plan_of_values(people=[person_row("Bob")])
    )

    (company,) = rows_of(Company, name="Reds")
    (person,) = rows_of(Person, first_name="Bob")
    assert defaults.describe() == {
        "company": {"organization_id": acme.organization.pk, "created_at": str(company["created_at"])},
        "person": {"organization_id": acme.organization.pk, "created_at": str(person["created_at"])},
    }


def test_rows_are_numbered_on_in_a_load_of_later_rows(acme: NewOrganization, import_: Import) -> None:
    rows = CleanRows(registry.get("company"), after=20)
    rows.add([{"name": "Reds"}, {"name": "Blues"}])
    lookups = Lookups(taken={("company", "name"): {}})

    write(import_, make_plan({"company": rows}, lookups, dependency_order=[registry.get("company")]))

    assert [(change["row"], change["after"]["name"]) for change in rows_of(Change)] == [(21, "Reds"), (22, "Blues")]


def test_a_row_that_turns_out_to_be_wrong_ends_the_load(import_: Import) -> None:
    rows = CleanRows(registry.get("company"))
    rows.add([{"name": "Reds"}])
    rows.add([{"name": "Blues"}, {"name": "reds"}])
    rows.add([{"name": "Greens"}])
    plan = make_plan(
        {"company": rows},
        Lookups(taken={("company", "name"): {}}),
        dependency_order=[registry.get("company")],
    )
    before = take_snapshot()

    with pytest.raises(PlanError), transaction.atomic():
        write(import_, plan)

    assert take_snapshot() == before
    assert plan.errors == {"company": [RowError(3, "name", "Name has already been taken")]}
