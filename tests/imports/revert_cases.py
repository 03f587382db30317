"""An import that created and updated, for tests of its revert."""

from __future__ import annotations

from typing import Any

from companies.models import Company
from importsvc.imports.models import Import
from importsvc.imports.services import RevertPreview, create_import, preview_revert, run_import
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_company, make_person
from tests.engine.updates import update_by_import
from tests.snapshots import take_snapshot

ROWS = {
    "company": [{"name": "Reds"}, {"name": "Blues"}],
    "person": [{"first_name": "Ann", "company": "Reds"}, {"first_name": "Bob", "title": "Dr"}],
}
UNTOUCHED = {
    "company": {"removed": 2, "restored": 0, "conflict": 0, "gone": 0},
    "person": {"removed": 2, "restored": 1, "conflict": 0, "gone": 0},
}


def make_mixed_import(acme: NewOrganization) -> Import:
    """An import that created the companies Reds and Blues and the people Ann and Bob, and updated Zoe of Old."""
    old = make_company(organization=acme.organization, name="Old")
    zoe = make_person(organization=acme.organization, first_name="Zoe", title="Ms", last_name="Lee", company=old)
    made = run(acme, ROWS)
    update_by_import(made, zoe, row=3, title="Prof", company_id=company("Reds").pk)
    return Import.objects.get(pk=made.pk)


def run(acme: NewOrganization, rows: Any) -> Import:
    """An import of these rows."""
    made = create_import(organization=acme.organization, creator=acme.person, import_data=rows)
    return run_import(organization=acme.organization, import_id=made.pk)


def company(name: str) -> Company:
    """The company of this name."""
    return Company.objects.get(name=name)


def person(name: str) -> Person:
    """The person of this first name."""
    return Person.objects.get(first_name=name)


def preview(import_: Import) -> RevertPreview:
    """The preview, which writes nothing."""
    before = take_snapshot()
    made = preview_revert(organization=import_.organization, import_id=import_.pk)
    made.changes[:]
    assert take_snapshot() == before
    return made
