"""Large files are left to a worker: how far it is, what it leads to, and what is said without one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from importsvc.files.models import ImportFile
from importsvc.http.slots import SHORT_BYTES
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services import list_rows
from importsvc.operations import work
from importsvc.operations.models import Operation, Status
from people.models import Person
from tests.builders import make_operation, make_person
from tests.wizard.walking import Walk

pytestmark = pytest.mark.django_db(transaction=True)

COUNT = 300
# More bytes than a page handles itself.
PADDING = "x" * (SHORT_BYTES // COUNT)
LARGE = "First name,Email,Notes\n" + "".join(
    f"Ada {number},ada{number}@example.com,{PADDING}\n" for number in range(COUNT)
)

# More than a preview handles itself, and more records than are stored with a preview.
MANY_COUNT = 550
MANY = "First name,Email,Notes\n" + "".join(
    f"Ada {number},ada{number}@example.com,{'x' * 4_000}\n" for number in range(MANY_COUNT)
)


def stage(walk: Walk, content: str = LARGE) -> Walk:
    """Upload a large file, and leave its rows to a worker."""
    walk.upload(content.encode()).send("Continue to the columns", next="1")
    return walk.send("Check the rows", column__3="person.custom_fields.Notes")


def poll(walk: Walk, query: str = "") -> str:
    """Where the page leads that asks for the progress; empty while it shows the progress."""
    response = walk.client.get(walk.url + query, headers={"HX-Request": "true"})
    assert response.status_code == 200
    return str(response.headers.get("HX-Redirect", ""))


def test_a_large_file_is_staged_run_and_reverted_by_a_worker(walk: Walk) -> None:
    stage(walk)
    operation = Operation.objects.get()
    assert walk.url == walk.at(f"operations/{operation.pk}/")
    assert "Waiting for a worker" in walk.text
    assert poll(walk) == ""

    assert work.run_next()
    check = walk.at(f"imports/{walk.import_.pk}/check")
    assert poll(walk) == check
    assert walk.go(walk.url).url == check
    assert f"No errors in {COUNT} rows." in walk.text

    walk.go(f"imports/{walk.import_.pk}/preview").send(f"Import {COUNT} people")
    assert f"Import {walk.import_.pk} is in work" in walk.text
    for step in ("check", "preview"):
        assert walk.go(f"imports/{walk.import_.pk}/{step}").url == walk.at(f"imports/{walk.import_.pk}/")
    assert poll(walk) == ""
    assert work.run_next()
    assert poll(walk) == walk.url
    assert f"Created {COUNT}" in walk.go(walk.url).text
    assert walk.import_.processed_by == {"kind": "staff", "name": "admin", "id": User.objects.get().pk}

    walk.go(f"imports/{walk.import_.pk}/?undo=1").send("Revert import")
    assert work.run_next()
    assert f"removed {COUNT} people" in walk.go(walk.url).text
    assert walk.import_.reverted_by == walk.import_.processed_by
    assert not Person.objects.filter(email__endswith="@example.com").exists()


def test_previews_of_many_rows_are_made_by_a_worker_and_shown_page_by_page(walk: Walk) -> None:
    stage(walk, MANY)
    assert work.run_next()
    preview, result = walk.at(f"imports/{walk.import_.pk}/preview"), walk.at(f"imports/{walk.import_.pk}/")

    assert "Finding out what would happen Waiting for a worker" in walk.go(preview).text
    assert (walk.url, poll(walk), walk.go(preview).status) == (preview, "", 200)
    assert work.run_next()
    assert poll(walk) == preview
    assert f"Import {MANY_COUNT} people" in walk.go(preview).text
    assert "first name: Ada 24 " in walk.text
    assert "first name: Ada 499 " in walk.go(f"{preview}?page=20").text
    assert not work.run_next()

    # The records of this page are not stored with the first ones.
    assert "Waiting for a worker" in walk.go(f"{preview}?page=22").text
    assert work.run_next()
    assert "first name: Ada 549 " in walk.go(f"{preview}?page=22").text
    assert "first name: Ada 549 " in walk.go(f"{preview}?page=99").text

    walk.send(f"Import {MANY_COUNT} people")
    assert work.run_next()
    assert "Finding out what would happen Waiting for a worker" in walk.go(f"{result}?undo=1").text
    assert work.run_next()
    assert poll(walk, "?undo=1") == f"{result}?undo=1"
    assert f"This would remove {MANY_COUNT} people." in walk.go(f"{result}?undo=1").text
    make_person(organization=walk.tenant.organization, email="another@example.com")
    walk.send("Revert import")
    assert work.run_next()
    assert f"removed {MANY_COUNT} people" in walk.go(result).text


def test_a_preview_is_made_again_when_rows_or_records_have_changed(walk: Walk) -> None:
    stage(walk, MANY)
    assert work.run_next()
    preview = f"imports/{walk.import_.pk}/preview"
    walk.go(preview)
    assert work.run_next()
    walk.go(preview)
    make_person(organization=walk.tenant.organization, email="ada1@example.com")
    walk.send(f"Import {MANY_COUNT} people")
    assert work.run_next()
    assert (
        "The last attempt changed nothing: Something has changed since this page was opened." in walk.go(walk.url).text
    )

    assert "Waiting for a worker" in walk.go(preview).text
    assert work.run_next()
    assert f"Import {MANY_COUNT - 1} people, leave out 1 row" in walk.go(preview).text

    check = f"imports/{walk.import_.pk}/check"
    walk.go(check).send("Check all rows again")
    assert work.run_next()
    walk.go(check).send("Delete")
    assert f"No errors in {MANY_COUNT - 1} rows." in walk.text
    assert "Waiting for a worker" in walk.go(preview).text
    walk.send("Cancel")
    assert f"Import {walk.import_.pk} is not imported yet" in walk.text
    assert not work.run_next()
    Operation.objects.filter(status=Status.SUCCEEDED).update(finished_at=timezone.now() - timedelta(hours=1))
    assert "Waiting for a worker" in walk.go(preview).text


def test_a_value_is_replaced_in_many_rows_by_a_worker(walk: Walk) -> None:
    stage(walk, MANY.replace("ada1@example.com", "none"))
    assert work.run_next()
    check = walk.at(f"imports/{walk.import_.pk}/check")
    outdated = walk.go(check).find_form("Replace")
    walk.send("Replace", to="ada1@example.com")
    assert f"Import {walk.import_.pk} is in work" in walk.go(check).text

    assert work.run_next()
    assert poll(walk) == check
    assert f"No errors in {MANY_COUNT} rows." in walk.go(check).text
    walk.client.post(outdated["action"], {**outdated["fields"], "to": "other@example.com"})
    assert work.run_next()
    assert "The last check changed nothing: Something has changed since this page was opened." in walk.go(check).text
    walk.client.post(outdated["action"], {"type": "robot", "column": "email", "to": "x", "version": "1"})
    assert work.run_next()
    assert walk.go(check).status == 200


def upload_corrected(walk: Walk, content: bytes, **changes: str) -> Walk:
    """Upload a file on the page of the check, which is open, for its rows with errors."""
    form = walk.find_form("Upload")
    file = SimpleUploadedFile("errors.csv", content, content_type="text/csv")
    return walk.see(walk.client.post(form["action"], {**form["fields"], **changes, "file": file}, follow=True))


def stage_wrong(walk: Walk) -> tuple[str, bytes]:
    """Stage a large file with two wrong addresses; returns the address of its check, and its corrected error file."""
    stage(walk, LARGE.replace("ada1@example.com", "none").replace("ada2@example.com", "nothing"))
    assert work.run_next()
    check = walk.at(f"imports/{walk.import_.pk}/check")
    response: Any = walk.client.get(check.replace("check", "errors.csv"))
    content = b"".join(response.streaming_content)
    walk.go(check)
    return check, content.replace(b",none,", b",ada1@example.com,").replace(b",nothing,", b",ada2@example.com,")


def test_an_error_file_of_many_rows_is_merged_by_a_worker(walk: Walk) -> None:
    check, corrected = stage_wrong(walk)
    assert f"2 of {COUNT} rows have errors." in walk.text

    upload_corrected(walk, corrected)
    assert f"Import {walk.import_.pk} is in work" in walk.text
    assert poll(walk) == ""
    assert work.run_next()

    assert poll(walk) == check
    assert f"No errors in {COUNT} rows." in walk.go(check).text
    rows = list_rows(organization=walk.tenant.organization, import_id=walk.import_.pk)
    assert [row.cells["email"] for row in rows[:3]] == [f"ada{number}@example.com" for number in range(3)]
    # What was uploaded is stored, as every file.
    assert list(ImportFile.objects.order_by("id").values_list("name", flat=True)) == ["people.csv", "errors.csv"]


def test_an_error_file_that_an_edit_has_overtaken_changes_nothing_and_says_why(walk: Walk) -> None:
    check, corrected = stage_wrong(walk)
    upload_corrected(walk, corrected, version="1")
    assert work.run_next()

    text = walk.go(check).text

    assert "The last check changed nothing: Something has changed since this page was opened." in text
    assert f"2 of {COUNT} rows have errors." in text


def test_a_file_that_corrects_nothing_is_refused_before_a_worker_is_asked(walk: Walk) -> None:
    check, _ = stage_wrong(walk)
    before = Operation.objects.count()

    for content, reason in (
        (b"First name,Email\nAda,ada@example.com\n", "This is not an error file"),
        (b"%PDF-1.7 1 0 obj", "PDF"),
    ):
        assert upload_corrected(walk, content).url == check
        assert reason in walk.text
    assert Operation.objects.count() == before
    assert ImportFile.objects.count() == 1


def test_all_rows_are_checked_again_by_a_worker(walk: Walk) -> None:
    stage(walk)
    assert work.run_next()
    make_person(organization=walk.tenant.organization, email="ada1@example.com")
    walk.go(walk.url).send("Check all rows again")

    assert work.run_next()

    assert poll(walk) == walk.at(f"imports/{walk.import_.pk}/check")
    assert f"1 of {COUNT} rows has errors." in walk.go(f"imports/{walk.import_.pk}/check").text


def test_it_is_said_that_there_is_no_worker(walk: Walk) -> None:
    stage(walk)
    assert "No worker is running" not in walk.text
    Operation.objects.update(queued_at=timezone.now() - timedelta(seconds=5))

    walk.go(walk.url)

    assert "No worker is running, so this waits. Nothing is lost: it begins as soon as there is one." in walk.text


def test_work_is_cancelled_before_it_begins(walk: Walk) -> None:
    stage(walk).send("Cancel")

    assert "Cancelled. Nothing was changed." in walk.text
    assert Operation.objects.get().status == Status.CANCELLED
    assert f'href="{walk.at(f"files/{walk.file.pk}/columns")}"' in walk.page
    assert poll(walk) == ""
    assert not Import.objects.exists()


def test_a_cancelled_run_leaves_the_import_as_it_was(walk: Walk) -> None:
    stage(walk)
    assert work.run_next()
    walk.go(f"imports/{walk.import_.pk}/preview").send(f"Import {COUNT} people").send("Cancel")

    assert f"Import {walk.import_.pk} is not imported yet" in walk.text
    assert walk.import_.state == ImportState.CREATED


def test_what_has_finished_is_not_cancelled(walk: Walk) -> None:
    operation = make_operation(
        creator=walk.tenant.person, kind="create", status=Status.CANCELLED, finished_at=timezone.now()
    )

    walk.client.post(walk.at(f"operations/{operation.pk}/cancel"))

    assert "It had finished before it could be cancelled." in walk.go(f"operations/{operation.pk}/").text


def test_the_reason_is_shown_why_a_file_could_not_be_staged(walk: Walk) -> None:
    stage(walk, f'{LARGE}Bob,"bob@example.com,x\n')
    assert work.run_next()

    walk.go(walk.url)

    assert "is never closed" in walk.text
    assert not Import.objects.exists()


def test_a_run_whose_preview_is_outdated_changes_nothing_and_says_why(walk: Walk) -> None:
    stage(walk)
    assert work.run_next()
    walk.go(f"imports/{walk.import_.pk}/preview").send(f"Import {COUNT} people")
    make_person(organization=walk.tenant.organization, email="ada1@example.com")
    assert work.run_next()

    walk.go(walk.url)

    assert "The last attempt changed nothing: Something has changed since this page was opened." in walk.text
    assert walk.import_.state == ImportState.CREATED
