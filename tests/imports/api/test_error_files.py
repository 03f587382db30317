"""``GET /imports/{id}/errors.csv`` and ``errors.xlsx``."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from importsvc.imports.error_file_response import MEDIA_TYPES
from importsvc.imports.models import Import
from importsvc.imports.services import create_import
from people.services import NewOrganization
from tests.client import ApiClient, assert_error

ROWS = {"person": [{"First name": "Ada", "Email": "ada"}, {"First name": "Bob"}, {"Email": "=1"}]}


def stage(caller: NewOrganization) -> Import:
    return create_import(
        organization=caller.organization, creator=caller.person, import_data=ROWS, on_row_error="stage"
    )


def download(client: Client, caller: NewOrganization, import_id: int, file_format: str, **headers: str) -> Any:
    return client.get(
        f"/api/v2/imports/{import_id}/errors.{file_format}",
        headers={"X-Auth-Token": caller.token, "X-Organization-Id": str(caller.organization.pk), **headers},
    )


@pytest.mark.parametrize("accept", ["text/csv", "*/*", ""])
def test_the_rows_that_have_errors_are_downloaded_with_the_reasons(
    client: Client, acme: NewOrganization, accept: str
) -> None:
    import_ = stage(acme)

    response = download(client, acme, import_.pk, "csv", Accept=accept)

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"] == f'attachment; filename="import-{import_.pk}-errors.csv"'
    assert response.headers["Cache-Control"] == "private, no-store"
    assert b"".join(response.streaming_content).decode() == (
        "\N{BYTE ORDER MARK}import_id,import_row,import_errors,First name,Email\r\n"
        f"{import_.pk},person 1,Email is not an email,Ada,ada\r\n"
        f"{import_.pk},person 3,First name can't be blank; Email is not an email,,'=1\r\n"
    )


def test_a_workbook_is_downloaded(client: Client, acme: NewOrganization) -> None:
    response = download(client, acme, stage(acme).pk, "xlsx")

    assert response.headers["Content-Type"] == MEDIA_TYPES["xlsx"]
    assert b"".join(response.streaming_content).startswith(b"PK")


@pytest.mark.parametrize("file_format", MEDIA_TYPES)
def test_error_files_of_others_and_unknown_ones_are_not_found(
    api: ApiClient, globex: NewOrganization, file_format: str
) -> None:
    foreign = stage(globex)

    for path in (f"imports/{foreign.pk}/errors.{file_format}", f"imports/0/errors.{file_format}"):
        assert_error(api.request("GET", path), 404, "record_not_found", "The requested record was not found")
    assert api.request("GET", f"imports/{stage(api.caller).pk}/errorsX{file_format}").status_code == 404


def test_query_parameters_are_refused(api: ApiClient) -> None:
    response = api.request("GET", f"imports/{stage(api.caller).pk}/errors.csv?sort=row")

    assert response.status_code == 400
