"""The tag of a preview holds the run to what was seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from companies.models import Company
from importsvc.errors import PreconditionFailed
from importsvc.imports.models import Import
from importsvc.imports.rows import require_rows
from importsvc.imports.services import preview_import, run_import
from importsvc.imports.staging import store_rows
from organizations.models import Organization
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_company, make_import
from tests.imports.api.test_on_duplicate import counts
from tests.imports.import_previews import preview, run, stage
from tests.snapshots import take_snapshot

pytestmark = pytest.mark.usefixtures("records")


def person_edited(records: dict[str, Any]) -> None:
    Person.objects.filter(pk=records["ann"].pk).update(title="Chair")


def other_field_of_it_edited(records: dict[str, Any]) -> None:
    Person.objects.filter(pk=records["ann"].pk).update(archived_at="2024-01-01T00:00:00Z")


def edited_by_sql(records: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE people_person SET first_name = 'X' WHERE id = %s", [records["ann"].pk])


def person_gone(records: dict[str, Any]) -> None:
    records["ann"].delete()


def address_taken(records: dict[str, Any]) -> None:
    Person.objects.filter(pk=records["other"].pk).update(email="BOB@acme.test")


def company_referred_to_renamed(records: dict[str, Any]) -> None:
    Company.objects.filter(pk=records["blues"].pk).update(name="BLUES")


def company_made(records: dict[str, Any]) -> None:
    make_company(organization=records["ann"].organization, name="greens")


def currency_changed(records: dict[str, Any]) -> None:
    Organization.objects.filter(pk=records["ann"].organization_id).update(default_currency="CHF")


def staged_anew(records: dict[str, Any]) -> None:
    store_rows(Import.objects.get(), require_rows('{"person": [{"first_name": "Zoe"}]}'))


def duplicates_skipped(records: dict[str, Any]) -> None:
    Import.objects.update(on_duplicate="skip")


EDITS = [
    person_edited,
    other_field_of_it_edited,
    edited_by_sql,
    person_gone,
    address_taken,
    company_referred_to_renamed,
    company_made,
    currency_changed,
    staged_anew,
    duplicates_skipped,
]


@pytest.mark.parametrize("edit", EDITS)
def test_the_tag_does_not_hold_when_anything_has_moved(
    acme: NewOrganization, records: dict[str, Any], edit: Callable[[dict[str, Any]], None]
) -> None:
    import_ = stage(acme)
    tag = preview(import_).tag

    edit(records)
    before = take_snapshot()
    # What a request would have: the organization as it is now.
    organization = Organization.objects.get(pk=acme.organization.pk)
    with pytest.raises(PreconditionFailed):
        run_import(organization=organization, import_id=import_.pk, if_match=[tag])

    assert take_snapshot() == before
    assert preview_import(organization=organization, import_id=import_.pk).tag != tag


def test_the_tag_holds_when_only_something_else_has_moved(acme: NewOrganization, records: dict[str, Any]) -> None:
    import_ = stage(acme)
    tag = preview(import_).tag

    make_company(organization=acme.organization, name="Yellows")
    Person.objects.filter(pk=records["other"].pk).update(title="Chair")
    Person.objects.filter(pk=records["ann"].pk).update(last_seen_at="2024-01-01T00:00:00Z")

    assert preview(import_).tag == tag
    assert run(import_, "something else", tag).counts == preview_counts()


def preview_counts() -> dict[str, dict[str, int]]:
    return {"company": counts(created=1, updated=1), "person": counts(created=1, updated=1)}


def test_rows_that_come_with_the_run_must_be_those_that_were_shown(acme: NewOrganization) -> None:
    import_ = make_import(creator=acme.person, import_data='{"person": [{"first_name": "Zoe"}]}')
    tag = preview(import_).tag

    with pytest.raises(PreconditionFailed):
        run(import_, tag, import_data={"person": [{"first_name": "Yoe"}]})
    with pytest.raises(PreconditionFailed):
        run(import_, tag, on_duplicate="skip")
    assert run(import_, tag, import_data='{"person": [{"first_name": "Zoe"}]}').processed_at
