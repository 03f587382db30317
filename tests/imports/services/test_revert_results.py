"""A reverted import says how it was reverted and what that did, also after its change log was pruned."""

from __future__ import annotations

import pytest

from importsvc.imports.models import Import
from importsvc.imports.services import revert_import
from people.models import Person
from people.services import NewOrganization
from tests.builders import PUBLISHED_ROWS
from tests.imports.steps import import_rows

pytestmark = pytest.mark.django_db


def test_a_revert_stores_its_policy_and_counts(acme: NewOrganization) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    assert (import_.reverted_with, import_.revert_counts) == (None, None)
    Person.objects.filter(first_name="John").update(title="Boss")

    revert_import(organization=acme.organization, import_id=import_.pk, on_conflict="keep")

    import_ = Import.objects.get()
    assert import_.reverted_with == "keep"
    assert import_.revert_counts == {
        "company": {"removed": 0, "restored": 0, "kept": 1, "gone": 0},
        "person": {"removed": 0, "restored": 0, "kept": 1, "gone": 0},
    }
