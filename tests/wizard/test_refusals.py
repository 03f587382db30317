"""A run that is refused on the pages is kept, until the import is run."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from importsvc.imports.models import Refusal
from people.services import NewOrganization
from tests.builders import make_company
from tests.wizard.walking import Walk

pytestmark = pytest.mark.django_db


def test_a_run_that_is_refused_is_kept_until_the_import_is_run(
    acme: NewOrganization, admin_user: User, walk: Walk
) -> None:
    walk.upload(b"Company name\nReds\n").send("Continue to the columns", next="1")
    walk.send("Check the rows", column__0="company.name")
    walk.go(f"imports/{walk.import_.pk}/preview")
    company = make_company(organization=acme.organization, name="Reds")

    walk.send("Import 1 company")

    refusal = Refusal.objects.for_organization(acme.organization).get()
    assert (refusal.import_record_id, refusal.kind) == (walk.import_.pk, "import")
    assert refusal.refused_by == {"kind": "staff", "name": admin_user.username, "id": admin_user.pk}
    assert [error["code"] for error in refusal.errors] == ["precondition_failed"]

    company.delete()
    walk.go(f"imports/{walk.import_.pk}/preview").send("Import 1 company")

    assert walk.import_.processed_at
    assert not Refusal.objects.for_organization(acme.organization).exists()
