"""A third type of rows takes a model and one file of ten lines beside it, ``tests/deals``, and no change elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test.utils import override_settings

from importsvc.engine.schema import registry
from importsvc.imports.errors import RevertConflict, RowsInvalid
from importsvc.imports.models import Import
from importsvc.imports.services import create_import, revert_import, run_import
from people.services import NewOrganization
from tests.builders import make_company
from tests.client import ApiClient, document_of
from tests.snapshots import take_snapshot

ROWS = {
    "deal": [
        {"Name": "Renewal", "Value": "1234.50", "Company": "reds"},
        {"name": "Support", "value": 7, "company": "Blues"},
        {"NAME": "Nothing yet"},
    ],
    "company": [{"name": "Reds"}],
}


@pytest.fixture
def deals(acme: NewOrganization) -> Iterator[Any]:
    """The model of an app that is installed, and has its table, for the length of a test."""
    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, "tests.deals"]):
        # Found by starting the app, as any app's importable.py is; the second time Python has it loaded already.
        from tests.deals.models import Deal

        with connection.schema_editor() as editor:
            editor.create_model(Deal)
        make_company(organization=acme.organization, name="Blues")
        yield Deal._default_manager.order_by("id")
        registry.unregister("deal")
        del sys.modules["tests.deals.importable"]


def run(acme: NewOrganization, rows: Any = ROWS) -> Import:
    import_ = create_import(organization=acme.organization, creator=acme.person, import_data=rows)
    return run_import(organization=acme.organization, import_id=import_.pk)


def revert(import_: Import) -> dict[str, int]:
    return dict(revert_import(organization=import_.organization, import_id=import_.pk).removed)


def test_rows_become_records(acme: NewOrganization, deals: Any) -> None:
    import_ = run(acme)

    assert list(deals.values_list("organization", "name", "value", "company__name")) == [
        (acme.organization.pk, "Renewal", Decimal("1234.50"), "Reds"),
        (acme.organization.pk, "Support", Decimal("7.00"), "Blues"),
        (acme.organization.pk, "Nothing yet", None, None),
    ]
    changes = import_.changes.filter(record_type="deal").order_by("row").values_list("record_id", "row")
    assert list(changes) == [(deal.pk, row) for row, deal in enumerate(deals, start=1)]


def test_all_errors_are_told_at_once(acme: NewOrganization, deals: Any) -> None:
    rows = {"deal": [{"value": "a lot", "stage": "won"}, {"name": "Renewal", "company": "Greens"}], "person": []}

    with pytest.raises(RowsInvalid) as caught:
        run(acme, rows)

    assert caught.value.detail == {
        "deal": [
            {"row": 1, "column": "stage", "messages": ["Stage is not a column of deal"]},
            {"row": 1, "column": "name", "messages": ["Name can't be blank"]},
            {"row": 1, "column": "value", "messages": ["Value must be an amount"]},
            {"row": 2, "column": "company", "messages": ["Company must exist"]},
        ],
        "person": [],
    }


def test_reverting_leaves_nothing(acme: NewOrganization, deals: Any) -> None:
    before = take_snapshot(without=("imports_import", "changelog_change"))
    import_ = run(acme)

    assert revert(import_) == {"company": 1, "deal": 3}
    assert take_snapshot(without=("imports_import", "changelog_change")) == before


@pytest.mark.parametrize(
    ("changes", "then", "now"),
    [
        ({"value": "1234.51"}, {"value": 1234.5}, {"value": 1234.51}),
        ({"name": "Lost"}, {"name": "Renewal"}, {"name": "Lost"}),
    ],
)
def test_a_deal_that_was_changed_since_stands_in_the_way(
    acme: NewOrganization, deals: Any, changes: dict[str, Any], then: dict[str, Any], now: dict[str, Any]
) -> None:
    import_ = run(acme)
    deal = deals.get(name="Renewal")
    deals.filter(pk=deal.pk).update(**changes)

    with pytest.raises(RevertConflict) as caught:
        revert(import_)

    described = {"type": "deals", "id": str(deal.pk), "row": 1, "reason": "changed", "fields": list(then)}
    assert caught.value.meta == {"conflicts": [{**described, "then": then, "now": now}], "conflict_count": 1}


def test_a_deal_of_another_import_holds_its_company(acme: NewOrganization, deals: Any) -> None:
    companies = run(acme, {"company": [{"name": "Greens"}]})
    own = run(acme, {"deal": [{"name": "Renewal", "company": "greens"}]})

    with pytest.raises(RevertConflict, match="1 change or reference since the import stands in the way"):
        revert(companies)
    assert revert(own) == {"deal": 1}
    assert revert(companies) == {"company": 1}


def test_the_api_knows_it_too(acme: NewOrganization, deals: Any) -> None:
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


def test_nothing_of_it_stays_installed() -> None:
    assert [importable.name for importable in registry.in_dependency_order()] == ["company", "person"]
