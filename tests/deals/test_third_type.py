"""A third type of rows takes a model and one file of ten lines beside it, and no change elsewhere."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command

from importsvc.engine.schema import registry
from importsvc.imports.errors import RevertConflict, RowsInvalid
from people.services import NewOrganization
from tests.client import ApiClient, WsgiClient, document_of
from tests.engine.updates import IMPORT_TABLES
from tests.imports.steps import import_rows, revert
from tests.snapshots import take_snapshot

ROWS = {
    "deal": [
        {"Name": "Renewal", "Value": "1234.50", "Company": "reds"},
        {"name": "Support", "value": 7, "company": "Blues"},
        {"NAME": "Nothing yet"},
    ],
    "company": [{"name": "Reds"}],
}


def test_rows_become_records(acme: NewOrganization, deals: Any) -> None:
    import_ = import_rows(acme, ROWS)

    assert list(deals.values_list("organization", "name", "value", "company__name")) == [
        (acme.organization.pk, "Renewal", Decimal("1234.50"), "Reds"),
        (acme.organization.pk, "Support", Decimal("7.00"), "Blues"),
        (acme.organization.pk, "Nothing yet", None, None),
    ]
    changes = import_.changes.filter(record_type="deal").order_by("row").values_list("record_id", "row")
    assert list(changes) == [(deal.pk, row) for row, deal in enumerate(deals, start=1)]


def test_all_errors_are_reported_at_once(acme: NewOrganization, deals: Any) -> None:
    rows = {"deal": [{"value": "a lot", "stage": "won"}, {"name": "Renewal", "company": "Greens"}], "person": []}

    with pytest.raises(RowsInvalid) as caught:
        import_rows(acme, rows)

    assert caught.value.detail == {
        "deal": [
            {"row": 1, "column": "stage", "messages": ["Stage is not a column of deal"]},
            {"row": 1, "column": "name", "messages": ["Name can't be blank"]},
            {"row": 1, "column": "value", "messages": ["Value must be an amount"]},
            {"row": 2, "column": "company", "messages": ["Company must exist"]},
        ],
        "person": [],
    }


def test_phone_numbers_and_dates_are_stored_in_one_form_and_restored(acme: NewOrganization, deals: Any) -> None:
    import_rows(acme, {"deal": [{"name": "Renewal", "Phone": "030 901820", "Closes on": "1.2.2026"}]})
    with pytest.raises(RowsInvalid) as caught:
        import_rows(acme, {"deal": [{"name": "Support", "phone": "12", "closes_on": "30.2.2026"}]})

    assert deals.values_list("phone", "closes_on").get() == ("+4930901820", date(2026, 2, 1))
    assert caught.value.detail == {
        "deal": [
            {"row": 1, "column": "phone", "messages": ["Phone is not a phone number"]},
            {
                "row": 1,
                "column": "closes_on",
                "messages": ["Closes on is not a day of the calendar, read as day, month, year"],
            },
        ]
    }


def test_cells_of_phones_and_dates_are_described(acme: NewOrganization, deals: Any) -> None:
    described = json.loads(WsgiClient().generic("GET", "/api/v2/openapi.json").content)

    columns = described["components"]["schemas"]["ImportData"]["properties"]["deal"]["items"]["properties"]
    assert columns["phone"] == {
        "type": ["string", "null"],
        "description": "A phone number; it is stored in E.164, as `+4930901820`.",
    }
    assert columns["closes_on"] == {"type": ["string", "null"], "description": "A date, as `2026-11-30`."}


def test_reverting_removes_every_record(acme: NewOrganization, deals: Any) -> None:
    before = take_snapshot(without=IMPORT_TABLES)
    import_ = import_rows(acme, ROWS)

    assert revert(import_).removed == {"company": 1, "deal": 3}
    assert take_snapshot(without=IMPORT_TABLES) == before


@pytest.mark.parametrize(
    ("changes", "then", "now"),
    [
        ({"value": "1234.51"}, {"value": 1234.5}, {"value": 1234.51}),
        ({"name": "Lost"}, {"name": "Renewal"}, {"name": "Lost"}),
    ],
)
def test_an_edited_deal_is_a_conflict(
    acme: NewOrganization, deals: Any, changes: dict[str, Any], then: dict[str, Any], now: dict[str, Any]
) -> None:
    import_ = import_rows(acme, ROWS)
    deal = deals.get(name="Renewal")
    deals.filter(pk=deal.pk).update(**changes)

    with pytest.raises(RevertConflict) as caught:
        revert(import_)

    described = {"type": "deals", "id": str(deal.pk), "row": 1, "reason": "changed", "fields": list(then)}
    assert caught.value.meta == {"conflicts": [{**described, "then": then, "now": now}], "conflict_count": 1}


def test_a_deal_of_another_import_is_a_conflict_of_its_company(acme: NewOrganization, deals: Any) -> None:
    companies = import_rows(acme, {"company": [{"name": "Greens"}]})
    own = import_rows(acme, {"deal": [{"name": "Renewal", "company": "greens"}]})

    with pytest.raises(RevertConflict, match="1 change or reference since the import stands in the way"):
        revert(companies)
    assert revert(own).removed == {"deal": 1}
    assert revert(companies).removed == {"company": 1}


def test_the_api_imports_and_reverts_deals(acme: NewOrganization, deals: Any) -> None:
    api = ApiClient(acme)

    response = api.send_import("POST", "imports", import_data={"contract": [{}]})
    assert document_of(response)["errors"][0]["detail"] == (
        "has an unknown type 'contract'; known are company, person, deal"
    )
    import_id = api.run(ROWS)
    assert deals.count() == 3
    assert api.request("PATCH", f"imports/{import_id}/revert").status_code == 200
    assert deals.count() == 0


def test_the_declaration_fits_the_model(deals: Any) -> None:
    call_command("check", fail_level="WARNING", databases=["default"])


def test_the_app_of_deals_is_uninstalled_after_a_test() -> None:
    assert [importable.name for importable in registry.in_dependency_order()] == ["company", "person"]
