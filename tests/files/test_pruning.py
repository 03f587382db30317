"""``prune`` deletes the bytes of old files, and what was detected in them stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from importsvc.files.models import ImportFile, ImportFilePart
from importsvc.files.services import prune_import_files
from people.services import NewOrganization
from tests.client import ApiClient, assert_error, document_of
from tests.files.uploads import PEOPLE_1252, send_options, upload
from tests.interleaving import threads


def upload_of_age(api: ApiClient, *, days: float) -> ImportFile:
    file = upload(api, PEOPLE_1252)
    ImportFile.objects.filter(pk=file.pk).update(created_at=timezone.now() - timedelta(days=days))
    return file


def prune(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The line of the command's output that is about files."""
    call_command("prune", *arguments)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "the bytes of" in line]
    return line


def test_the_bytes_of_old_files_of_every_organization_are_deleted(
    api: ApiClient, globex: NewOrganization, capsys: pytest.CaptureFixture[str]
) -> None:
    old = [upload_of_age(client, days=90) for client in (api, ApiClient(globex))]
    new = upload_of_age(api, days=89.9)
    before = document_of(api.get(f"import_files/{old[0].pk}"))["data"]["attributes"]

    assert prune(capsys, "--dry-run") == "Would remove the bytes of 2 files older than 90 days"
    assert ImportFilePart.objects.count() == 3
    assert prune(capsys) == "Removed the bytes of 2 files older than 90 days"
    assert prune(capsys) == "Removed the bytes of 0 files older than 90 days"

    assert list(ImportFilePart.objects.values_list("import_file_id", flat=True)) == [new.pk]
    attributes = document_of(api.get(f"import_files/{old[0].pk}"))["data"]["attributes"]
    assert attributes["pruned_at"] is not None
    assert attributes == {**before, "pruned_at": attributes["pruned_at"]}


def test_the_age_is_a_setting(api: ApiClient, settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    settings.IMPORT_FILE_DAYS = 1
    upload_of_age(api, days=1)

    assert prune(capsys) == "Removed the bytes of 1 file older than 1 day"


def test_a_pruned_file_cannot_be_read_otherwise(api: ApiClient) -> None:
    file = upload_of_age(api, days=90)
    prune_import_files()

    response = send_options(api, file, separator=",")

    detail = "The bytes of this file were deleted after IMPORT_FILE_DAYS; upload it again"
    assert_error(response, 409, "conflict", detail)


@pytest.mark.django_db(transaction=True)
def test_a_file_that_is_in_use_is_left_for_the_next_call(acme: NewOrganization) -> None:
    file = upload_of_age(ApiClient(acme), days=90)

    with transaction.atomic():
        ImportFile.objects.for_organization(acme.organization).select_for_update(no_key=True).get(pk=file.pk)
        with threads() as pool:
            assert pool.start(prune_import_files).result() == 0

    assert prune_import_files() == 1
