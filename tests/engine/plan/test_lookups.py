"""Lookups read only what a chunk needs, and the database alone decides which values are equal."""

from __future__ import annotations

import unicodedata
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importsvc.engine.plan.lookups import Lookups, read_lookups
from importsvc.engine.plan.plan import Questions
from importsvc.engine.schema import registry
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_company, make_organization, make_person
from tests.engine.planning import ALL_ROWS, PlannedPayload, plan_payload
from tests.engine.row_errors import row_error

# Letters without a simple case mapping: the unique index alone decides whether a pair is equal.
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


def plan(acme: NewOrganization, *, chunk_rows: int = ALL_ROWS, **payload: list[dict[str, Any]]) -> PlannedPayload:
    return plan_payload(
        payload,
        registry.in_dependency_order(),
        partial(read_lookups, acme.organization.pk),
        chunk_rows=chunk_rows,
    )


def select_queries(captured: CaptureQueriesContext) -> list[str]:
    """The queries, without the settings of the transaction that they are made in."""
    return [query["sql"] for query in captured.captured_queries if not query["sql"].startswith("SET LOCAL ")]


def taken_rows(acme: NewOrganization, *addresses: str) -> list[int]:
    """The rows of an import of these addresses that the plan refuses."""
    errors = plan(acme, person=[{"first_name": "A", "email": address} for address in addresses]).errors["person"]
    assert {error.code for error in errors} <= {"taken", "repeated"}
    return [error.row for error in errors]


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
def test_the_plan_refuses_exactly_the_values_that_the_unique_index_refuses(
    acme: NewOrganization, first: str, second: str
) -> None:
    assert_the_plan_knows_what_the_index_does(acme, f"{first}@acme.test", f"{second}@acme.test")


@given(
    st.text(st.characters(categories=["L"]), min_size=1, max_size=5),
    st.sampled_from([str.upper, str.lower, str.title, str.swapcase, str.casefold]),
    st.sampled_from(["NFC", "NFD"]),
)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_plan_agrees_with_the_unique_index_for_letters_of_every_alphabet(
    acme: NewOrganization, letters: str, change_case: Any, form: Any
) -> None:
    other = unicodedata.normalize(form, change_case(letters))

    assert_the_plan_knows_what_the_index_does(acme, f"{letters}@acme.test", f"{other}@acme.test")


def test_accented_letters_are_the_same_whatever_their_case(acme: NewOrganization) -> None:
    person = make_person(organization=acme.organization, email="élan@acme.test")
    company = make_company(organization=acme.organization, name="École")
    assert acme.person.company_id

    lookups = read_lookups(
        acme.organization.pk,
        Questions(
            taken={("company", "name"): {"ÉCOLE", "acme"}, ("person", "email"): {"ÉLAN@acme.test"}},
            found={("company", "name"): {"éCOLE", "none"}},
        ),
    )
    planned = plan(
        acme,
        company=[{"name": "ÉCOLE"}],
        person=[{"first_name": "A", "email": "ÉLAN@acme.test", "company": "éCOLE"}],
    )

    assert lookups == Lookups(
        folded={"ÉCOLE": "école", "ÉLAN@acme.test": "élan@acme.test", "éCOLE": "école"},
        taken={
            ("company", "name"): {"école": [company.pk], "acme": [acme.person.company_id]},
            ("person", "email"): {"élan@acme.test": [person.pk]},
        },
        found={("company", "name"): {"école": [company.pk]}},
    )
    assert planned.errors == {
        "company": [row_error(1, "name", "Name has already been taken")],
        "person": [row_error(1, "email", "Email has already been taken")],
    }


def test_only_values_that_the_rows_mention_are_read_and_only_in_the_organization(acme: NewOrganization) -> None:
    globex = make_organization(name="Globex")
    ours = [make_company(organization=acme.organization, name=name) for name in ("Reds", "REDS", "Blues")]
    make_company(organization=globex.organization, name="Reds")
    make_person(organization=globex.organization, email="bob@acme.test")

    lookups = read_lookups(
        acme.organization.pk,
        Questions(taken={("person", "email"): {"bob@acme.test"}}, found={("company", "name"): {"reds", "Globex"}}),
    )

    assert lookups == Lookups(
        taken={("person", "email"): {}},
        found={("company", "name"): {"reds": [ours[0].pk, ours[1].pk]}},
    )


@pytest.mark.parametrize("name", BACKSLASHED)
def test_names_with_special_characters_are_found(acme: NewOrganization, name: str) -> None:
    company = make_company(organization=acme.organization, name=name)

    lookups = read_lookups(acme.organization.pk, Questions(found={("company", "name"): {name}}))

    assert lookups.found == {("company", "name"): {name.lower(): [company.pk]}}
    assert plan(acme, person=[{"first_name": "A", "company": name}]).is_valid


@pytest.mark.parametrize(
    ("payload", "queries"),
    [
        ({"company": [{"name": "A"}]}, 1),  # taken names
        ({"person": [{"first_name": "A"}]}, 0),
        ({"person": [{"email": "a@b.co"}, {"company": "A"}, {"company": "B"}]}, 2),  # taken addresses, companies
        ({"person": [{"email": "é@b.co"}, {"company": "É"}] * 100}, 3),  # companies and addresses, folding
        (
            {"company": [{"name": "É"}], "person": [{"email": "a@b.co", "company": "É"}]},
            5,
        ),  # names, companies and addresses, folding
    ],
)
def test_each_lookup_is_one_query_however_many_the_rows(
    acme: NewOrganization, payload: dict[str, Any], queries: int
) -> None:
    with CaptureQueriesContext(connection) as captured:
        plan(acme, **payload)

    assert len(select_queries(captured)) == queries


def test_a_referenced_name_is_looked_up_once_however_many_chunks_mention_it(acme: NewOrganization) -> None:
    reds, ecole = (make_company(organization=acme.organization, name=name) for name in ("Reds", "École"))
    names = ["REDS", "acme", "REDS", None, "École", "acme", "École", "école"]

    with CaptureQueriesContext(connection) as captured:
        planned = plan(acme, person=[{"first_name": "A", "company": name} for name in names], chunk_rows=2)

    fold, find = "SELECT value, lower(value)", "SELECT value, id"
    assert [sql.partition(" FROM ")[0] for sql in select_queries(captured)] == [
        find,
        fold,
        find,
        fold,
        find,
    ]
    company = registry.get("person").position("company")
    acme_id = acme.person.company_id
    assert [values[company] for _, values in planned.created["person"]] == [
        *(reds.pk, acme_id, reds.pk, None),
        *(ecole.pk, acme_id, ecole.pk, ecole.pk),
    ]


@pytest.mark.parametrize("lock", [False, True])
def test_records_with_a_matching_value_are_locked_only_on_request(acme: NewOrganization, lock: bool) -> None:
    questions = Questions(taken={("person", "email"): {"ada@acme.test"}}, found={("company", "name"): {"Acme"}})

    with CaptureQueriesContext(connection) as captured:
        read_lookups(acme.organization.pk, questions, lock=lock)

    locking = [query["sql"] for query in captured if "FOR NO KEY UPDATE" in query["sql"]]
    locked = [table for sql in locking for table in ("people_person", "companies_company") if f'FROM "{table}"' in sql]
    assert locked == (["people_person"] if lock else [])


def test_two_people_without_an_address_are_not_the_same(acme: NewOrganization) -> None:
    make_person(organization=acme.organization)

    assert plan(acme, person=[{"first_name": "A"}, {"first_name": "B", "email": " "}]).is_valid
    assert Person.objects.filter(email=None).count() == 1
