"""A run on the condition that the tag of its preview still matches."""

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
from tests.imports.import_previews import ROWS, preview
from tests.imports.steps import counts, run, stage
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
def test_the_tag_does_not_match_after_a_relevant_change(
    acme: NewOrganization, records: dict[str, Any], edit: Callable[[dict[str, Any]], None]
) -> None:
    import_ = stage(acme, ROWS, on_duplicate="update")
    tag = preview(import_).etag

    edit(records)
    before = take_snapshot()
    # As in a request, the organization is read anew.
    organization = Organization.objects.get(pk=acme.organization.pk)
    with pytest.raises(PreconditionFailed):
        run_import(organization=organization, import_id=import_.pk, if_match=[tag])

    assert take_snapshot() == before
    assert preview_import(organization=organization, import_id=import_.pk).etag != tag


def test_the_tag_still_matches_after_an_irrelevant_change(acme: NewOrganization, records: dict[str, Any]) -> None:
    import_ = stage(acme, ROWS, on_duplicate="update")
    tag = preview(import_).etag

    make_company(organization=acme.organization, name="Yellows")
    Person.objects.filter(pk=records["other"].pk).update(title="Chair")
    Person.objects.filter(pk=records["ann"].pk).update(last_seen_at="2024-01-01T00:00:00Z")

    assert preview(import_).etag == tag
    assert run(import_, if_match=["something else", tag]).counts == preview_counts()


def preview_counts() -> dict[str, dict[str, int]]:
    return {"company": counts(created=1, updated=1), "person": counts(created=1, updated=1)}


def test_rows_sent_with_the_run_must_be_the_previewed_rows(acme: NewOrganization) -> None:
    import_ = make_import(creator=acme.person, import_data='{"person": [{"first_name": "Zoe"}]}')
    tag = preview(import_).etag

    with pytest.raises(PreconditionFailed):
        run(import_, if_match=[tag], import_data={"person": [{"first_name": "Yoe"}]})
    with pytest.raises(PreconditionFailed):
        run(import_, if_match=[tag], on_duplicate="skip")
    assert run(import_, if_match=[tag], import_data='{"person": [{"first_name": "Zoe"}]}').processed_at
