"""A refused run or check stays visible until the import is run, corrected or discarded."""

from __future__ import annotations

from typing import Any

import pytest

from importsvc.imports.models import ImportState, Refusal
from importsvc.imports.selectors import read_version
from importsvc.imports.services import correct_row, preview_import, run_import
from people.services import NewOrganization
from tests.builders import make_company
from tests.operations.queueing import create
from tests.wizard.walking import Walk

pytestmark = pytest.mark.django_db


def read_etag(tenant: NewOrganization, import_id: int) -> str:
    """The tag of what a run would do."""
    return str(preview_import(organization=tenant.organization, import_id=import_id).etag)


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


def test_a_refused_run_is_shown_with_what_to_do_until_the_import_is_discarded(
    acme: NewOrganization, walk: Walk
) -> None:
    import_ = create(acme, {"person": [{"first_name": "Ada"}, {"email": "none"}]}, on_row_error="stage")
    walk.go(f"imports/{import_.pk}/preview")
    etag = read_etag(acme, import_.pk)

    walk.client.post(walk.at(f"imports/{import_.pk}/run"), {"etag": etag})

    refusal = Refusal.objects.for_organization(acme.organization).get()
    assert (refusal.kind, refusal.refused_by["kind"], refusal.row_error_count) == ("import", "staff", 2)
    for page in ("", "check"):
        walk.go(f"imports/{import_.pk}/{page}")
        assert "Needs attention A run was refused on" in walk.text
        assert "asked for by staff admin , and nothing was changed. 2 row errors." in walk.text
        assert "Person row 2: First name can't be blank. Person row 2: Email is not an email." in walk.text
        assert f'href="{walk.at(f"imports/{import_.pk}/errors.xlsx")}"' in walk.page
    assert f"Import {import_.pk} none created needs attention not imported yet Discard…" in walk.go("").text

    walk.go(f"imports/{import_.pk}/discard")
    assert "Its 2 staged rows would be deleted, with every correction." in walk.text
    walk.send(f"Discard import {import_.pk}")

    assert f"Import {import_.pk} is discarded: its rows are deleted." in walk.text
    assert f"Import {import_.pk} none created rows deleted" in walk.text
    walk.go(f"imports/{import_.pk}/")
    assert f"Import {import_.pk} has no rows any more" in walk.text
    assert "Needs attention" not in walk.text
    assert walk.go(f"imports/{import_.pk}/discard").status == 409


def test_a_refused_check_is_kept(acme: NewOrganization, walk: Walk) -> None:
    import_ = create(acme, {"person": [{"first_name": "Ada"}]})

    walk.client.post(
        walk.at(f"imports/{import_.pk}/again"),
        {"version": read_version(organization=acme.organization, import_id=import_.pk)},
    )

    assert list(Refusal.objects.values_list("import_record_id", "kind")) == [(import_.pk, "check")]
    assert "A check was refused" in walk.go(f"imports/{import_.pk}/").text


def test_rows_that_have_changed_since_are_not_discarded(acme: NewOrganization, walk: Walk) -> None:
    import_ = create(acme, {"person": [{"first_name": "Ada"}]}, on_row_error="skip")
    walk.go(f"imports/{import_.pk}/discard")
    chosen: dict[str, Any] = {"organization": acme.organization, "import_id": import_.pk}
    correct_row(**chosen, record_type="person", row=1, cells={"first_name": "Eve"})

    walk.send("Discard import")

    assert "Something has changed since this page was opened." in walk.text
    assert walk.import_.pruned_at is None


def test_an_import_that_is_run_is_not_discarded(acme: NewOrganization, walk: Walk) -> None:
    import_ = create(acme)
    walk.go(f"imports/{import_.pk}/discard")
    run_import(organization=acme.organization, import_id=import_.pk)

    walk.send("Discard import")

    assert f"Import {import_.pk} is processed" in walk.text
    assert walk.import_.state == ImportState.PROCESSED
