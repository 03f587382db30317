"""What the database is asked before a plan is made, and that nobody but it decides what is the same."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importsvc.engine.parse.rows import clean_rows
from importsvc.engine.plan.lookups import Lookups, read_lookups
from importsvc.engine.plan.plan import Plan, make_plan
from importsvc.engine.schema import registry
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_company, make_organization, make_person

# Letters whose case is not simple: a pair may or may not be the same; the unique index alone decides.
PAIRS = [
    ("É", "é"),
    ("E\u0301", "e\u0301"),
    ("É", "e\u0301"),
    ("ß", "ẞ"),
    ("ß", "ss"),
    ("I", "i"),
    ("İ", "i"),
    ("İ", "i\u0307"),
    ("I", "ı"),
    ("ı", "i"),
    ("Σ", "σ"),
    ("ΑΣ", "ας"),
    ("ΑΣ", "ασ"),
    ("σ", "ς"),
    ("\N{KELVIN SIGN}", "k"),
    ("\N{OHM SIGN}", "ω"),
    ("ſ", "s"),
    ("ǅ", "ǆ"),
    ("ﬁ", "fi"),
    ("Ａ", "ａ"),
    ("Ꭰ", "ꭰ"),
    ("𐐀", "𐐨"),
    ("Ა", "ა"),
]
BACKSLASHED = ['a"b', "a\\b", "a'b", "{a}", "a,b", "NULL", "%s", "é\\\"'"]


def read(acme: NewOrganization, **payload: list[dict[str, Any]]) -> tuple[Lookups, Plan]:
    all_rows = {name: clean_rows(registry.get(name), rows) for name, rows in payload.items()}
    lookups = read_lookups(acme.organization.pk, all_rows.values())
    return lookups, make_plan(all_rows, lookups, dependency_order=registry.in_dependency_order())


def taken_rows(acme: NewOrganization, *addresses: str) -> list[int]:
    """The rows of an import of these addresses that the plan refuses."""
    _, plan = read(acme, person=[{"first_name": "A", "email": address} for address in addresses])
    assert {error.message for error in plan.errors["person"]} <= {"Email has already been taken"}
    return [error.row for error in plan.errors["person"]]


def is_refused_by_the_index(acme: NewOrganization, address: str) -> bool:
    try:
        with transaction.atomic():
            make_person(organization=acme.organization, email=address).delete()
    except IntegrityError:
        return True
    return False


def assert_the_plan_knows_what_the_index_does(acme: NewOrganization, first: str, second: str) -> None:
    made = make_person(organization=acme.organization, email=first)
    refused = is_refused_by_the_index(acme, second)

    assert taken_rows(acme, second) == ([1] if refused else [])
    made.delete()
    assert taken_rows(acme, first, second) == ([2] if refused else [])


@pytest.mark.parametrize(("first", "second"), [*PAIRS, *((b, a) for a, b in PAIRS)])
def test_the_plan_refuses_what_the_unique_index_would_refuse_and_nothing_else(
    acme: NewOrganization, first: str, second: str
) -> None:
    assert_the_plan_knows_what_the_index_does(acme, f"{first}@acme.test", f"{second}@acme.test")


@given(
    st.text(st.characters(categories=["L"]), min_size=1, max_size=5),
    st.sampled_from([str.upper, str.lower, str.title, str.swapcase, str.casefold]),
    st.sampled_from(["NFC", "NFD"]),
)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_that_holds_for_the_letters_of_every_alphabet(
    acme: NewOrganization, letters: str, change_case: Any, form: Any
) -> None:
    other = unicodedata.normalize(form, change_case(letters))

    assert_the_plan_knows_what_the_index_does(acme, f"{letters}@acme.test", f"{other}@acme.test")


def test_accented_letters_are_the_same_whatever_their_case(acme: NewOrganization) -> None:
    person = make_person(organization=acme.organization, email="élan@acme.test")
    company = make_company(organization=acme.organization, name="École")

    lookups, plan = read(
        acme,
        company=[{"name": "ÉCOLE"}],
        person=[{"first_name": "A", "email": "ÉLAN@acme.test", "company": "éCOLE"}],
    )

    assert lookups == Lookups(
        folded={"ÉCOLE": "école", "ÉLAN@acme.test": "élan@acme.test", "éCOLE": "école"},
        taken={("company", "name"): {"école": [company.pk]}, ("person", "email"): {"élan@acme.test": [person.pk]}},
        found={("company", "name"): {"école": [company.pk]}},
    )
    assert [tuple(error) for error in plan.errors["company"]] == [(1, "name", "Name has already been taken")]
    assert [tuple(error) for error in plan.errors["person"]] == [(1, "email", "Email has already been taken")]


def test_only_what_the_rows_mention_is_read_and_only_of_the_organization(acme: NewOrganization) -> None:
    globex = make_organization(name="Globex")
    ours = [make_company(organization=acme.organization, name=name) for name in ("Reds", "REDS", "Blues")]
    make_company(organization=globex.organization, name="Reds")
    make_person(organization=globex.organization, email="bob@acme.test")

    lookups, _ = read(
        acme, person=[{"first_name": "B", "email": "bob@acme.test", "company": "reds"}, {"company": "Globex"}]
    )

    assert lookups == Lookups(
        taken={("person", "email"): {}},
        found={("company", "name"): {"reds": [ours[0].pk, ours[1].pk]}},
    )


@pytest.mark.parametrize("name", BACKSLASHED)
def test_names_are_found_whatever_signs_they_have(acme: NewOrganization, name: str) -> None:
    company = make_company(organization=acme.organization, name=name)

    lookups, plan = read(acme, person=[{"first_name": "A", "company": name}])

    assert lookups.found == {("company", "name"): {name.lower(): [company.pk]}}
    assert plan.is_valid


@pytest.mark.parametrize(
    ("payload", "queries"),
    [
        ({"company": [{"name": "A"}]}, 1),  # taken names
        ({"person": [{"first_name": "A"}]}, 0),
        ({"person": [{"email": "a@b.co"}, {"company": "A"}, {"company": "B"}]}, 2),  # taken addresses, companies
        (
            {"company": [{"name": "É"}], "person": [{"email": "a@b.co", "company": "É"}] * 100},
            4,
        ),  # those three, folding
    ],
)
def test_one_query_for_each_question_however_many_the_rows(
    acme: NewOrganization, payload: dict[str, Any], queries: int
) -> None:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        read(acme, **payload)

    assert len(captured) == queries


def test_what_rows_refer_to_is_asked_once_however_many_parts_they_come_in(acme: NewOrganization) -> None:
    reds, ecole = (make_company(organization=acme.organization, name=name) for name in ("Reds", "École"))
    parts: list[list[str | None]] = [["REDS", "acme"], ["reds", None], ["École", "reds"], ["école", "Acme", "REDS"]]
    asked = []
    lookups: Lookups | None = None
    for part in parts:
        rows = clean_rows(registry.get("person"), [{"first_name": "A", "company": name} for name in part])
        with CaptureQueriesContext(connection) as captured:
            lookups = read_lookups(acme.organization.pk, [rows], trust_constraints=True, known=lookups)
        asked.append([query["sql"].partition(" FROM ")[0] for query in captured.captured_queries])
        plan = make_plan({"person": rows}, lookups, dependency_order=registry.in_dependency_order())
        assert plan.is_valid

    fold, find = "SELECT value, lower(value)", 'SELECT lower("name"), id'
    assert asked == [[find], [], [fold, find], [fold]]
    assert lookups
    assert lookups.found["company", "name"] == {
        "reds": [reds.pk],
        "acme": [acme.person.company_id],
        "école": [ecole.pk],
    }


def test_two_people_without_an_address_are_not_the_same(acme: NewOrganization) -> None:
    make_person(organization=acme.organization)

    _, plan = read(acme, person=[{"first_name": "A"}, {"first_name": "B", "email": " "}])

    assert plan.is_valid
    assert Person.objects.filter(email=None).count() == 1
