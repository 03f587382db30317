"""A run that is refused because its preview is outdated leaves nothing."""

from __future__ import annotations

import pytest

from importsvc.imports.models import Refusal
from people.services import NewOrganization
from tests.builders import make_company
from tests.wizard.walking import Walk

pytestmark = pytest.mark.django_db


def test_a_run_whose_preview_is_outdated_is_not_kept(acme: NewOrganization, walk: Walk) -> None:
    walk.upload(b"Company name\nReds\n").send("Continue to the columns", next="1")
    walk.send("Check the rows", column__0="company.name")
    walk.go(f"imports/{walk.import_.pk}/preview")
    company = make_company(organization=acme.organization, name="Reds")

    walk.send("Import 1 company")

    assert walk.import_.processed_at is None
    assert not Refusal.objects.for_organization(acme.organization).exists()

    company.delete()
    walk.go(f"imports/{walk.import_.pk}/preview").send("Import 1 company")

    assert walk.import_.processed_at
