"""The pages of files: what was detected, and the download, which takes a permission of its own."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from importsvc.files.models import ImportFile
from importsvc.files.services import prune_import_files
from tests.admin_pages import ESCAPED, SCRIPT, log_in_staff, read, url_of
from tests.client import ApiClient
from tests.files.test_pruning import upload_of_age
from tests.files.uploads import PEOPLE_1252, send_options, upload


def download_url(file: ImportFile) -> str:
    return f"/admin/files/importfile/{file.pk}/download"


def test_the_page_of_a_file_shows_what_was_detected_and_what_was_set(api: ApiClient, admin_client: Client) -> None:
    file = upload(api, PEOPLE_1252.replace(b"Ada", SCRIPT.encode()), name="Müller.csv")
    send_options(api, file, encoding="windows-1250")

    page = read(admin_client, url_of(file))

    assert "Müller.csv" in page
    assert "<tr><td>encoding</td><td>windows-1250</td><td>windows-1252</td>" in page
    assert "<td>E-Mail</td><td>email</td><td>100 %</td><td>ada@example.com<br>bob@example.com<br></td>" in page
    assert ESCAPED in page
    assert SCRIPT not in page


def test_the_list_shows_files_of_all_organizations_and_finds_them_by_name(api: ApiClient, admin_client: Client) -> None:
    file = upload(api, PEOPLE_1252, name="customers.csv")
    upload(api, PEOPLE_1252, name="")

    everything = read(admin_client, url_of(ImportFile, "changelist"))
    found = read(admin_client, f"{url_of(ImportFile, 'changelist')}?q=customers")

    assert everything.count("/admin/files/importfile/") > found.count("/admin/files/importfile/")
    assert url_of(file) in found


def test_the_download_is_the_file_as_it_came_and_is_logged(api: ApiClient, admin_client: Client) -> None:
    file = upload(api, PEOPLE_1252, name="Müller.csv")
    assert download_url(file) in read(admin_client, url_of(file))

    response = admin_client.get(download_url(file))

    assert b"".join(response) == PEOPLE_1252
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Disposition"] == "attachment; filename*=utf-8''M%C3%BCller.csv"
    assert response.headers["Cache-Control"].startswith("private, no-store")
    assert LogEntry.objects.get().get_change_message() == "Downloaded."


def test_the_permission_to_view_files_is_not_enough_to_download_them(api: ApiClient) -> None:
    file = upload(api, PEOPLE_1252)
    client = log_in_staff(codename="view_importfile")

    assert download_url(file) not in read(client, url_of(file))
    assert client.get(download_url(file)).status_code == 403


def test_a_pruned_file_cannot_be_downloaded(api: ApiClient, admin_client: Client) -> None:
    file = upload_of_age(api, days=90)
    prune_import_files()

    assert download_url(file) not in read(admin_client, url_of(file))
    for url in (download_url(file), "/admin/files/importfile/1000000/download"):
        assert admin_client.get(url).status_code == 404


@pytest.mark.parametrize("action", ["add", "delete"])
def test_staff_neither_add_nor_delete_files(api: ApiClient, admin_client: Client, action: str) -> None:
    file = upload(api, PEOPLE_1252)

    assert admin_client.get(url_of(ImportFile, "add") if action == "add" else url_of(file, action)).status_code == 403
    assert admin_client.post(url_of(file), {"name": "x"}).status_code == 403
