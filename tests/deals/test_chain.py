"""Deals refer to people and people to companies: rows of all three types come in one payload, in any order."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from companies.models import Company
from importsvc.imports.errors import RevertConflict, RowsInvalid
from importsvc.imports.services import (
    preview_import,
    preview_revert,
    preview_rows,
    run_import,
)
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_person
from tests.imports.steps import counts, import_rows, revert, stage
from tests.snapshots import take_snapshot

ROWS: dict[str, list[dict[str, Any]]] = {
    "deal": [
        {"name": "Renewal", "contact": "ANN@reds.test", "company": "reds"},
        {"name": "Support", "contact": "ada@acme.test"},
        {"name": "Training"},
    ],
    "person": [
        {"first_name": "Ann", "email": "ann@reds.test", "company": "Reds"},
        {"first_name": "Bob", "company": "Blues"},
    ],
    "company": [{"name": "Reds"}],
}
WITHOUT_IMPORTS = ("imports_import", "imports_stagedchunk", "changelog_change", "changelog_createdchunk")


@pytest.mark.parametrize("order", list(permutations(ROWS)))
def test_each_row_refers_to_the_record_of_the_row_that_it_names(
    acme: NewOrganization, deals: Any, order: tuple[str, ...]
) -> None:
    import_ = import_rows(acme, {name: ROWS[name] for name in order})

    chain = deals.values_list("name", "contact__first_name", "contact__company__name", "company__name")
    assert list(chain) == [
        ("Renewal", "Ann", "Reds", "Reds"),
        ("Support", "Ada", "Acme", None),
        ("Training", None, None, None),
    ]
    assert Person.objects.get(first_name="Bob").company == Company.objects.get(name="Blues")
    assert import_.counts == {"company": counts(created=1), "person": counts(created=2), "deal": counts(created=3)}


def test_a_preview_shows_all_three_types_and_writes_nothing(acme: NewOrganization, deals: Any) -> None:
    import_ = stage(acme, ROWS)
    before = take_snapshot()

    preview = preview_import(organization=acme.organization, import_id=import_.pk)
    changes = [(change.importable.name, change.row, change.action) for change in preview.changes[:]]
    assert changes == [
        ("company", 1, "created"),
        ("person", 1, "created"),
        ("person", 2, "created"),
        *(("deal", row, "created") for row in (1, 2, 3)),
    ]
    assert take_snapshot() == before

    run_import(organization=acme.organization, import_id=import_.pk, if_match=[preview.etag])
    written = import_.changes.order_by("id").values_list("record_type", "row", "action")
    assert sorted(written) == sorted(changes)


def test_rows_are_previewed_without_staging_them(acme: NewOrganization, deals: Any) -> None:
    before = take_snapshot()

    assert preview_rows(organization=acme.organization, import_data=ROWS).counts == {
        "company": counts(created=1),
        "person": counts(created=2),
        "deal": counts(created=3),
    }
    assert take_snapshot() == before


def test_errors_of_all_types_in_the_chain_are_reported_together(acme: NewOrganization, deals: Any) -> None:
    rows = {
        "deal": [{"name": "Renewal", "contact": "eve@reds.test"}, {"contact": "ann@reds.test"}],
        "person": [{"first_name": "Ann", "email": "ann@reds.test", "company": "Greens"}],
        "company": [{"description": "No name"}],
    }
    before = take_snapshot()

    with pytest.raises(RowsInvalid) as caught:
        stage(acme, rows)

    assert caught.value.detail == {
        "deal": [
            {"row": 1, "column": "contact", "messages": ["Contact must exist"]},
            {"row": 2, "column": "name", "messages": ["Name can't be blank"]},
        ],
        "person": [{"row": 1, "column": "company", "messages": ["Company must exist"]}],
        "company": [{"row": 1, "column": "name", "messages": ["Name can't be blank"]}],
    }
    assert take_snapshot() == before


def test_reverting_removes_the_records_of_all_three_types(acme: NewOrganization, deals: Any) -> None:
    before = take_snapshot(without=WITHOUT_IMPORTS)
    import_ = import_rows(acme, ROWS)

    preview = preview_revert(organization=acme.organization, import_id=import_.pk)
    assert {name: of_type["removed"] for name, of_type in preview.counts.items()} == {
        "company": 1,
        "person": 2,
        "deal": 3,
    }
    assert preview.find_conflicts() is None
    assert revert(import_, if_match=[preview.etag]).removed == {"company": 1, "person": 2, "deal": 3}
    assert take_snapshot(without=WITHOUT_IMPORTS) == before


def test_an_existing_person_is_updated_and_restored_along_with_a_created_deal(
    acme: NewOrganization, deals: Any
) -> None:
    make_person(organization=acme.organization, first_name="Ann", email="ann@reds.test", title="Dr")
    before = take_snapshot(without=WITHOUT_IMPORTS)
    import_ = import_rows(acme, ROWS, on_duplicate="update")

    assert import_.counts == {
        "company": counts(created=1),
        "person": counts(created=1, updated=1),
        "deal": counts(created=3),
    }
    assert deals.get(name="Renewal").contact.company.name == "Reds"
    report = revert(import_)
    assert report.removed == {"company": 1, "person": 1, "deal": 3}
    assert report.restored == {"company": 0, "person": 1, "deal": 0}
    assert take_snapshot(without=WITHOUT_IMPORTS) == before


def test_a_deal_of_a_later_import_is_a_conflict_of_its_contact_and_of_no_company(
    acme: NewOrganization, deals: Any
) -> None:
    import_ = import_rows(acme, {name: ROWS[name] for name in ("person", "company")})
    import_rows(acme, {"deal": [{"name": "Renewal", "contact": "ann@reds.test"}]})
    ann, deal = Person.objects.get(first_name="Ann"), deals.get()

    with pytest.raises(RevertConflict) as caught:
        revert(import_)

    described = {"type": "people", "id": str(ann.pk), "row": 1, "reason": "referenced"}
    conflict = {**described, "referenced_by": {"type": "deals", "id": str(deal.pk)}}
    assert caught.value.meta == {"conflicts": [conflict], "conflict_count": 1}


def test_keeping_a_deal_keeps_every_record_in_its_chain_of_references(acme: NewOrganization, deals: Any) -> None:
    import_ = import_rows(acme, ROWS)
    deals.filter(name="Renewal").update(value=7)

    report = revert(import_, on_conflict="keep")

    assert report.removed == {"company": 0, "person": 1, "deal": 2}
    assert report.kept == {"company": 1, "person": 1, "deal": 1}
    assert list(deals.values_list("name", "contact__first_name", "contact__company__name")) == [
        ("Renewal", "Ann", "Reds")
    ]


def test_discarding_an_edited_deal_removes_every_record(acme: NewOrganization, deals: Any) -> None:
    before = take_snapshot(without=WITHOUT_IMPORTS)
    import_ = import_rows(acme, ROWS)
    deals.filter(name="Renewal").update(value=7)

    assert revert(import_, on_conflict="discard").removed == {"company": 1, "person": 2, "deal": 3}
    assert take_snapshot(without=WITHOUT_IMPORTS) == before
