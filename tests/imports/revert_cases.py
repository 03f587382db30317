"""An import that created and updated, for tests of its revert."""

from __future__ import annotations

from companies.models import Company
from importsvc.imports.models import Import
from importsvc.imports.services import RevertPreview, preview_revert
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_company, make_person
from tests.engine.updates import update_by_import
from tests.imports.steps import import_rows
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
    made = import_rows(acme, ROWS)
    update_by_import(made, zoe, row=3, title="Prof", company_id=company("Reds").pk)
    return Import.objects.get(pk=made.pk)


def company(name: str) -> Company:
    """The company of this name."""
    return Company.objects.get(name=name)


def person(name: str) -> Person:
    """The person of this first name."""
    return Person.objects.get(first_name=name)


def preview(import_: Import) -> RevertPreview:
    """The preview; checks that making it writes nothing."""
    before = take_snapshot()
    made = preview_revert(organization=import_.organization, import_id=import_.pk)
    made.changes[:]
    assert take_snapshot() == before
    return made
