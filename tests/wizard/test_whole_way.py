"""From a file to its records and back, without JavaScript: each step is a page of its own."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from importsvc.imports.models import ImportState
from people.models import Person
from tests.builders import make_person
from tests.files.uploads import PEOPLE_1252
from tests.wizard.walking import Walk


@pytest.mark.django_db
def test_a_file_is_imported_and_reverted(walk: Walk) -> None:
    walk.upload(PEOPLE_1252, name="Kunden Süd.csv")
    assert "What was detected in Kunden Süd.csv" in walk.text
    assert "windows-1252" in walk.text

    walk.send("Continue to the columns", next="1")
    assert walk.url == walk.at(f"files/{walk.file.pk}/columns")
    assert walk.find_form("Check the rows")["fields"]["column-1"] == "person.first_name"

    walk.send("Check the rows")
    assert "No errors in 2 rows." in walk.text

    walk.go(f"imports/{walk.import_.pk}/preview")
    assert "Created 2" in walk.text
    walk.send("Import 2 people")
    assert walk.url == walk.at(f"imports/{walk.import_.pk}/")
    assert "Created 2 2 people" in walk.text
    assert Person.objects.filter(email="ada@example.com", last_name="Müller").exists()

    walk.go(f"imports/{walk.import_.pk}/?undo=1")
    assert "This would remove 2 people." in walk.text
    walk.send("Revert import")
    assert "removed 2 people" in walk.text
    assert walk.import_.state == ImportState.REVERTED
    assert not Person.objects.filter(email="ada@example.com").exists()
    staff = {"kind": "staff", "name": "admin", "id": User.objects.get().pk}
    assert (walk.import_.processed_by, walk.import_.reverted_by) == (staff, staff)


@pytest.mark.django_db
def test_an_error_is_corrected_for_all_rows_at_once(walk: Walk) -> None:
    walk.upload(b"First name,Email\nAda,ada@example.com\nBob,none\nCid,none\n")
    walk.send("Continue to the columns", next="1").send("Check the rows")
    assert "2 of 3 rows have errors." in walk.text

    walk.send("Replace in 2 rows", to="")

    assert "No errors in 3 rows." in walk.text
    walk.go(f"imports/{walk.import_.pk}/preview").send("Import 3 people")
    assert Person.objects.filter(first_name__in=["Bob", "Cid"], email=None).count() == 2


@pytest.mark.django_db
def test_an_update_is_shown_field_by_field(walk: Walk) -> None:
    make_person(organization=walk.tenant.organization, first_name="Ada", email="ada@example.com", title="Dr")
    walk.upload(b"First name,Email,Title\nAda,ada@example.com,Prof\n")
    walk.send("Continue to the columns", next="1").send("Check the rows", on_duplicate="update")
    walk.go(f"imports/{walk.import_.pk}/preview")
    assert "Updated 1" in walk.text
    assert "title: Dr → becomes Prof" in walk.text
