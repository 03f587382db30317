"""Downloads of an import's rows and changes: complete, streamed, and without formulas."""

from __future__ import annotations

import csv
import json
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from importsvc.engine.parse import chunks
from importsvc.imports import staging
from importsvc.imports.models import Import
from importsvc.imports.services import create_import, revert_import
from people.models import Person
from people.services import NewOrganization
from tests.admin_pages import (
    SCRIPT,
    log_in_staff,
    read,
)
from tests.builders import make_import, make_person
from tests.imports.steps import import_rows

FORMULA = "=HYPERLINK(1)"


def download(client: Client, what: str, import_id: int) -> Any:
    return client.get(reverse(f"admin:imports_import_{what}", args=[import_id]))


def text_of(response: Any) -> str:
    assert response.status_code == 200
    assert response.streaming
    return b"".join(response.streaming_content).decode()


def test_staged_rows_come_exactly_as_they_were_sent_chunk_by_chunk(
    acme: NewOrganization, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 1)
    monkeypatch.setattr(staging, "CHUNKS_AT_ONCE", 1)
    for staged in (
        '{"person": [{"First Name": "Zoé \u2028 \U0001f984"}]}',
        '{"company": [], "person": [{"a": 1.50 },{ "b":-0}]}',
    ):
        import_ = make_import(creator=acme.person, import_data=staged)

        response = download(admin_client, "staged_data", import_.pk)

        assert text_of(response) == staged
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["Content-Disposition"] == f'attachment; filename="import-{import_.pk}.json"'


@pytest.mark.django_db(transaction=True)
def test_a_download_is_a_consistent_snapshot(
    acme: NewOrganization, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 1)
    monkeypatch.setattr(staging, "CHUNKS_AT_ONCE", 1)
    import_ = make_import(creator=acme.person, import_data='{"company": [1,2,3]}')

    parts = iter(download(admin_client, "staged_data", import_.pk).streaming_content)
    first = next(parts)
    with_another_connection("UPDATE imports_stagedchunk SET rows = '[0]'")

    assert first + b"".join(parts) == b'{"company": [1,2,3]}'


def with_another_connection(statement: str) -> None:
    with closing(psycopg2.connect(**connection.get_connection_params())) as other, other, other.cursor() as cursor:
        cursor.execute(statement)


def test_changes_have_a_line_for_each_field_with_its_outcome(acme: NewOrganization, admin_client: Client) -> None:
    ann = make_person(organization=acme.organization, first_name="Ann", email="ann@acme.test", title="Boss")
    rows = {"person": [{"email": "ann@acme.test", "title": None, "tag_list": "a"}, {"first_name": FORMULA}]}
    import_ = import_rows(acme, rows, on_duplicate="update")
    made = Person.objects.get(first_name=FORMULA)
    Person.objects.filter(pk=ann.pk).update(tag_list=["b"])
    revert_import(organization=acme.organization, import_id=import_.pk, on_conflict="keep")

    response = download(admin_client, "changes", import_.pk)

    assert response.headers["Content-Disposition"] == f'attachment; filename="import-{import_.pk}-changes.csv"'
    assert list(csv.reader(text_of(response).splitlines())) == [
        ["row", "type", "id", "action", "field", "before", "after", "outcome", "kept"],
        ["2", "people", str(made.pk), "created", "first_name", "", f"'{FORMULA}", "removed", ""],
        ["1", "people", str(ann.pk), "updated", "tag_list", "[]", json.dumps(["a"]), "kept", "yes"],
        ["1", "people", str(ann.pk), "updated", "title", "Boss", "null", "kept", ""],
    ]


@pytest.mark.parametrize("name", [SCRIPT, "+1", "-1", "@SUM(1)", "\tx", 'a"b,c', "a\nb"])
def test_no_cell_is_a_formula_and_none_breaks_the_table(acme: NewOrganization, admin_client: Client, name: str) -> None:
    make_import(creator=acme.person)
    import_ = import_rows(acme, {"person": [{"first_name": "x", "custom_fields": {"a": name}, "title": f"={name}"}]})

    (_, *lines) = csv.reader(iter(text_of(download(admin_client, "changes", import_.pk)).splitlines(keepends=True)))

    assert [line[4:7] for line in lines] == [
        ["custom_fields", "", json.dumps({"a": name}, ensure_ascii=False)],
        ["first_name", "", "x"],
        ["title", "", f"'={name}"],
    ]


@pytest.mark.parametrize("what", ["staged_data", "changes"])
def test_downloads_need_permission_to_view_imports(acme: NewOrganization, client: Client, what: str) -> None:
    import_ = import_rows(acme, {"person": [{"first_name": "A"}]})

    assert download(client, what, import_.pk).status_code == 302  # to log in
    assert download(log_in_staff(codename="view_person"), what, import_.pk).status_code == 403


@pytest.mark.parametrize("what", ["staged_data", "changes"])
def test_downloads_of_an_import_that_does_not_exist_are_not_found(db: None, admin_client: Client, what: str) -> None:
    assert download(admin_client, what, 2**62).status_code == 404


def test_the_page_links_to_both_downloads(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_rows(acme, {"person": [{"first_name": "A"}]})
    empty = make_import(creator=acme.person)

    def links(of: Import) -> list[bool]:
        page = read(admin_client, reverse("admin:imports_import_change", args=[of.pk]))
        urls = (reverse(f"admin:imports_import_{what}", args=[of.pk]) for what in ("staged_data", "changes"))
        return [f'href="{url}"' in page for url in urls]

    assert (links(import_), links(empty)) == ([True, True], [False, False])


@pytest.mark.parametrize("what", ["errors_csv", "errors_xlsx"])
def test_the_error_file_is_downloaded_by_users_who_may_view_imports(
    acme: NewOrganization, client: Client, admin_client: Client, what: str
) -> None:
    import_ = create_import(
        organization=acme.organization,
        creator=acme.person,
        import_data={"person": [{"email": "a"}]},
        on_row_error="stage",
    )

    assert b"".join(download(admin_client, what, import_.pk).streaming_content)[:2] in (b"PK", b"\xef\xbb")
    assert f"/imports/import/{import_.pk}/errors." in read(
        admin_client, reverse("admin:imports_import_change", args=[import_.pk])
    )
    assert download(client, what, import_.pk).status_code == 302  # to log in
    assert download(log_in_staff(codename="view_person"), what, import_.pk).status_code == 403
