"""What is proposed for headers: by their words, by saved mappings, by what the columns hold."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from importsvc.files.mapping.document import ColumnMapping, Mapping, Separate, Split
from importsvc.files.mapping.parsing import read_mapping
from importsvc.files.mapping.proposals import Proposal, SavedMapping, propose
from importsvc.files.reading.detection import DetectedColumn
from tests.files.mapping.header_sets import ROUNDS, judge, read_header_sets, read_rounds


def detect(*headers: str, **kinds: str) -> list[DetectedColumn]:
    """Columns with these headers; of kind ``text`` unless another is given."""
    return [
        DetectedColumn(position, header, ["x"], 1.0, kinds.get(header, "text"))
        for position, header in enumerate(headers, start=1)
    ]


def propose_targets(*headers: str, saved: Any = (), **kinds: str) -> list[Any]:
    """For each column the targets and how they were found; ``None`` for an open one."""
    columns = propose(detect(*headers, **{"Email": "email", **kinds}), saved).columns
    return [(proposal.targets, proposal.how) if proposal else None for proposal in columns]


@pytest.mark.parametrize(("round_", "right"), [("first", 0.97), ("second", 0.83), ("third", 0.75), ("fourth", 0.76)])
def test_proposals_for_known_exports_are_right_or_open_and_hardly_ever_wrong(round_: str, right: float) -> None:
    counts = sum(map(judge, read_rounds()[round_]), Counter())

    assert counts["wrong"] / counts.total() <= 0.01
    assert counts["right"] / (counts["right"] + counts["open"]) >= right


def test_header_sets_are_all_judged() -> None:
    assert sum(ROUNDS.values()) == len(list(read_header_sets())) == 400


def test_a_proposal_says_how_it_was_found() -> None:
    assert propose_targets("first_name", "Nachname", "Emial address", "Notes", Mail="email") == [
        (("person.first_name",), "exact"),
        (("person.last_name",), "synonym"),
        None,
        None,
    ]
    assert propose_targets("First Name", "Last nmae", "Email") == [
        (("person.first_name",), "exact"),
        (("person.last_name",), "similar"),
        (("person.email",), "exact"),
    ]


@pytest.mark.parametrize(
    ("samples", "steps"),
    [
        (["Fair", "Fair, 2026 ::: * myContacts"], (Separate(" ::: "),)),
        (["Fair", "Fair;Customers"], (Separate(";"),)),
        (["Fair", "Fair, Customers; new"], ()),
        (["Fair"], ()),
    ],
)
def test_tags_are_separated_as_the_samples_show(samples: list[str], steps: Any) -> None:
    column = DetectedColumn(2, "Labels", samples, 1.0, "text")

    proposals = propose([*detect("First name"), column])

    assert proposals.mapping.columns[1] == ColumnMapping(("Labels",), ("person.tag_list",), steps)


def test_a_full_name_is_split_unless_its_parts_are_there() -> None:
    proposals = propose(detect("Name", "Email", Email="email"))

    split = ColumnMapping(("Name",), ("person.first_name", "person.last_name"), (Split("last_space"),))
    assert proposals.columns[0] == Proposal(split.targets, "synonym", 0.95, split)
    assert proposals.mapping == Mapping(columns=(split, ColumnMapping(("Email",), ("person.email",))))
    assert propose_targets("Name", "First name", "Last name")[0] is None


@pytest.mark.parametrize(
    ("headers", "target"),
    [
        (("Name", "Email"), ("person.first_name", "person.last_name")),
        (("Name", "Vorname"), ("person.last_name",)),
        (("Name", "Industry"), ("company.name",)),
        (("Name", "Price"), None),
        (("Name", "Industry", "Email"), None),
        (("Nombre", "Apellidos"), ("person.first_name",)),
        (("Name", "Email", "Customer ID", "Phone"), None),
        (("Name", "Email", "Currency", "Phone"), None),
        (("Name", "Company", "IP address"), None),
        (("Name", "Email", "Clicks", "Opens", "Bounces", "Device", "Campaign"), None),
    ],
)
def test_a_name_is_that_of_what_the_file_lists(headers: tuple[str, ...], target: Any) -> None:
    found = propose_targets(*headers)[0]

    assert (found and found[0]) == target


@pytest.mark.parametrize(
    ("headers", "target"),
    [
        (("Kundennummer", "Vorname", "Nachname"), "person.external_id"),
        (("Customer ID", "First name", "Email"), "person.external_id"),
        (("Kundennummer", "Firmenname", "Ort"), "company.external_id"),
        (("Contact ID", "First name", "Company"), "person.external_id"),
        (("Record ID", "First name", "Company"), "person.external_id"),
        (("Record ID", "Company name", "Industry"), "company.external_id"),
        (("Kundennummer", "Vorname", "Firma"), None),
        (("Customer ID", "Amount", "Date"), None),
        (("Kundennummer", "Umsatz"), None),
    ],
)
def test_a_number_is_that_of_what_the_file_lists(headers: tuple[str, ...], target: str | None) -> None:
    found = propose_targets(*headers)[0]

    assert (found and found[0]) == (target and (target,))


@pytest.mark.parametrize(
    ("numbers", "companies", "target"),
    [
        (1.0, 0.2, "person.external_id"),
        (0.99, 0.2, "person.external_id"),  # some people are there twice
        (0.2, 0.2, "company.external_id"),
        (1.0, 1.0, None),
        (0.5, 0.2, None),
        (None, 0.2, None),
    ],
)
def test_values_tell_whether_a_customer_is_the_person_or_its_company(
    numbers: float | None, companies: float, target: str | None
) -> None:
    columns = [replace(column, distinct_rate=companies) for column in detect("Kundennummer", "Vorname", "Firma")]
    columns[0] = replace(columns[0], distinct_rate=numbers)

    proposal = propose(columns).columns[0]

    assert (proposal and (proposal.targets, proposal.how, proposal.score)) == (target and ((target,), "synonym", 0.7))


def test_headers_with_the_word_company_are_its_attributes_in_a_list_of_people() -> None:
    headers = ("First name", "Company", "Company: Currency", "Account Description", "Currency", "Description")

    assert [found and found[0] for found in propose_targets(*headers)] == [
        ("person.first_name",),
        ("person.company",),
        ("company.default_currency",),
        ("company.description",),
        None,
        None,
    ]


def test_of_two_columns_for_a_target_the_more_usual_word_wins() -> None:
    headers = ("First name", "Title", "Job title", "Work email", "Email")

    assert [found and found[0] for found in propose_targets(*headers, **{"Work email": "email"})] == [
        ("person.first_name",),
        None,
        ("person.title",),
        None,
        ("person.email",),
    ]


@pytest.mark.parametrize("kind", ["integer", "date", "url", "phone", "text"])
def test_a_proposal_that_the_samples_contradict_is_dropped(kind: str) -> None:
    assert propose_targets("First name", "Email", Email=kind)[1] is None


def test_a_column_of_addresses_is_proposed_also_if_some_of_its_values_are_none() -> None:
    columns = [
        DetectedColumn(1, "Vorname", ["Ada", "Bob"], 1.0, "text"),
        DetectedColumn(2, "E-Mail", ["ada@example.com", "bob"], 1.0, "text"),
    ]

    found = propose(columns, ()).columns[1]

    assert found is not None
    assert (found.targets, found.how) == (("person.email",), "exact")


def test_the_only_column_of_addresses_is_the_address_of_a_person() -> None:
    assert propose_targets("Vorname", "Erreichbar", Erreichbar="email") == [
        (("person.first_name",), "synonym"),
        (("person.email",), "similar"),
    ]
    assert propose_targets("Vorname", "A", "B", A="email", B="email")[1:] == [None, None]
    assert propose_targets("Company", "Erreichbar", Erreichbar="email")[1] is None


SAVED = SavedMapping(
    7,
    "Messe",
    read_mapping(
        {
            "columns": [
                {"headers": ["Rufname"], "targets": ["person.first_name"]},
                {"headers": ["Code"], "targets": ["person.title"]},
            ],
            "ignored": ["Notizen"],
        }
    ),
)


def test_a_saved_mapping_whose_headers_are_all_there_is_proposed_as_it_is() -> None:
    larger = SavedMapping(
        8, "Other", Mapping(columns=(*SAVED.mapping.columns, ColumnMapping(("X",), ("person.email",))))
    )

    proposals = propose(detect("code", "Rufname", "Neu", "Email"), [SAVED, larger])

    assert (proposals.saved, proposals.mapping) == (SAVED, SAVED.mapping)
    assert [proposal and (proposal.targets, proposal.how) for proposal in proposals.columns] == [
        (("person.title",), "saved"),
        (("person.first_name",), "saved"),
        None,
        None,
    ]


def test_of_a_saved_mapping_that_does_not_fit_single_columns_are_proposed() -> None:
    assert propose_targets("Vorname", "Code", "Position", saved=[SAVED]) == [
        (("person.first_name",), "synonym"),
        (("person.title",), "saved"),
        None,
    ]


def test_the_columns_of_an_error_file_are_never_proposed() -> None:
    assert propose_targets("import_row", "first_name", "import_errors") == [
        None,
        (("person.first_name",), "exact"),
        None,
    ]


def test_a_target_is_named_with_its_type_whatever_the_type(with_deals: None) -> None:
    assert propose_targets("Deal name", "deal.value", "person.first_name") == [
        (("deal.name",), "exact"),
        None,
        (("person.first_name",), "exact"),
    ]
    assert propose_targets("deal.value", **{"deal.value": "number"}) == [(("deal.value",), "exact")]
