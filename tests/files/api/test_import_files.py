"""``/import_files``: whole documents of uploads, and options that are set; refusals."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from pytest_django import Settings

from importsvc.files.models import ImportFile, ImportFilePart
from importsvc.files.services import read_file
from importsvc.files.storage import PART_BYTES
from people.models import Scope
from people.services import NewOrganization, create_token
from tests.client import ApiClient, assert_error, assert_replayed, document_of
from tests.files.uploads import PEOPLE, PEOPLE_1252, send_file, send_form, send_options, upload
from tests.snapshots import take_snapshot


def linkage(resource_type: str, record_id: Any) -> dict[str, Any]:
    return {"data": {"type": resource_type, "id": record_id}}


def read_bytes(file: ImportFile) -> bytes:
    with read_file(file).open() as reader:
        return reader.read()


def test_an_uploaded_file_is_shown_with_what_was_detected(api: ApiClient) -> None:
    response = send_file(api, PEOPLE_1252, content_type="text/csv; charset=windows-1252")

    file = ImportFile.objects.get()
    document = document_of(response)
    assert response.status_code == 201
    assert response.headers["Location"] == f"http://testserver/api/v2/import_files/{file.pk}"
    assert list(document) == ["data", "meta"]
    attributes = document["data"].pop("attributes")
    assert document["data"] == {
        "id": str(file.pk),
        "type": "import_files",
        "relationships": {
            "organization": linkage("organizations", api.caller.organization.pk),
            "creator": linkage("people", str(api.caller.person.pk)),
            "proposed_import_model": {"data": None},
        },
    }
    assert attributes == {
        "name": "people.csv",
        "content_type": "text/csv; charset=windows-1252",
        "size": len(PEOPLE_1252),
        "sha256": hashlib.sha256(PEOPLE_1252).hexdigest(),
        "format": "csv",
        "encoding": "windows-1252",
        "separator": ";",
        "quote": '"',
        "decimal_sign": None,
        "date_order": None,
        "header_row": 1,
        "sheet": None,
        "guesses": attributes["guesses"],
        "sheets": [],
        "line_count": 3,
        "sampled_row_count": 2,
        "columns": [
            column(1, "Vorname", "first_name", ["Ada", "Bob"]),
            column(2, "Nachname", "last_name", ["Müller"], fill_rate=0.5),
            column(3, "E-Mail", "email", ["ada@example.com", "bob@example.com"], how="exact", score=1.0, kind="email"),
        ],
        "proposed_mapping": attributes["proposed_mapping"],
        "created_at": attributes["created_at"],
        "pruned_at": None,
    }
    assert {name: guess["value"] for name, guess in attributes["guesses"].items()} == {
        name: attributes[name]
        for name in (
            "format",
            "encoding",
            "separator",
            "quote",
            "decimal_sign",
            "date_order",
            "header_row",
            "sheet",
        )
    }
    assert all(0 <= guess["confidence"] <= 1 for guess in attributes["guesses"].values())
    assert document_of(api.get(f"import_files/{file.pk}")) == {
        **document,
        "data": {**document["data"], "attributes": attributes},
    }


def column(
    position: int,
    header: str,
    target: str,
    samples: list[str],
    *,
    how: str = "synonym",
    score: float = 0.95,
    **differences: Any,
) -> dict[str, Any]:
    detected = {"position": position, "header": header, "samples": samples, "fill_rate": 1.0, "kind": "text"}
    proposal = {"targets": [f"person.{target}"], "how": how, "score": score}
    return {**detected, "date_order": None, "distinct_rate": 1.0, **differences, "proposal": proposal}


def test_the_file_of_a_form_is_stored_like_a_body(api: ApiClient) -> None:
    of_body = document_of(send_file(api, PEOPLE_1252))
    of_form = document_of(send_form(api, PEOPLE_1252))

    for document in (of_body, of_form):
        for varying in ("id", "created_at"):
            document["data"].pop(varying, None)
            document["data"]["attributes"].pop(varying, None)
    assert of_form == of_body


def test_the_bytes_are_stored_in_parts_and_read_back_unchanged(api: ApiClient) -> None:
    content = b"Email\r\n" + b"".join(b"%07d@example.com\r\n" % number for number in range(190_000))

    file = upload(api, content)

    sizes = [len(part.content) for part in ImportFilePart.objects.filter(import_file=file).order_by("number")]
    assert sizes == [PART_BYTES] * 3 + [len(content) - 3 * PART_BYTES]
    assert read_bytes(file) == content
    assert (file.size, file.line_count) == (len(content), 190_001)


@pytest.mark.parametrize("content_type", ["application/vnd.api+json", "application/x-unknown", "text/csv", "", "§"])
def test_a_file_may_have_any_media_type(api: ApiClient, content_type: str) -> None:
    assert send_file(api, PEOPLE_1252, content_type=content_type).status_code == 201


def test_a_file_needs_no_name(api: ApiClient) -> None:
    assert document_of(send_file(api, PEOPLE_1252, name=""))["data"]["attributes"]["name"] == ""


def test_a_retry_with_the_same_key_stores_nothing(api: ApiClient) -> None:
    keyed = ApiClient(api.caller, **{"Idempotency-Key": "again"})

    first, again = (send_file(keyed, PEOPLE_1252) for _ in range(2))

    assert_replayed(first, again)
    assert ImportFile.objects.count() == 1
    refused = send_file(keyed, PEOPLE.encode())
    detail = "This Idempotency-Key was used for another request"
    assert_error(refused, 422, "idempotency_key_reused", detail, source={"header": "Idempotency-Key"})


def test_a_retry_of_a_form_may_have_another_boundary(api: ApiClient) -> None:
    keyed = ApiClient(api.caller, **{"Idempotency-Key": "again"})

    first, again = (send_form(keyed, PEOPLE_1252, boundary=boundary) for boundary in ("XX", "YY"))

    assert_replayed(first, again)
    assert ImportFile.objects.count() == 1


def test_a_file_that_cannot_be_read_is_refused_with_the_reason_and_not_stored(api: ApiClient) -> None:
    api.get("imports")
    before = take_snapshot()

    response = send_file(api, b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", name="people.pdf", content_type="application/pdf")

    (error,) = document_of(response)["errors"]
    assert (response.status_code, error["code"], error["title"]) == (422, "invalid_attribute", "Invalid Attribute")
    assert "PDF" in error["detail"]
    assert next(iter(error["meta"])) == "reason"
    assert take_snapshot() == before


def test_a_request_without_a_body_is_refused_as_an_empty_file(api: ApiClient) -> None:
    of_body, of_form = send_file(api, b""), send_form(api, b"")

    for response in (of_body, of_form):
        assert response.status_code == 422
        assert "empty" in document_of(response)["errors"][0]["detail"]
    assert not ImportFile.objects.exists()


def test_a_body_over_the_limit_is_refused(api: ApiClient, settings: Settings) -> None:
    settings.MAX_BODY_BYTES = 1_024

    response = send_file(api, b"x" * 1_025)

    assert_error(response, 413, "payload_too_large", "The request body is larger than 1024 bytes")


def test_a_form_without_a_file_is_refused(api: ApiClient) -> None:
    body = b'--XX\r\nContent-Disposition: form-data; name="note"\r\n\r\nabc\r\n--XX--\r\n'

    response = api.request("POST", "import_files", body, content_type="multipart/form-data; boundary=XX")

    detail = "The form must have one part with a file, and nothing else: its part 'note' is no file"
    assert_error(response, 400, "bad_request", detail)


def test_a_compressed_body_is_refused(api: ApiClient) -> None:
    response = send_file(api, b"\x1f\x8b", **{"Content-Encoding": "gzip"})

    detail = "Content-Encoding 'gzip' is not supported: send the body uncompressed"
    assert_error(response, 415, "unsupported_media_type", detail, source={"header": "Content-Encoding"})


def test_an_option_that_is_set_is_used_until_null_goes_back_to_the_guess(api: ApiClient) -> None:
    file = upload(api, PEOPLE_1252)
    path = f"import_files/{file.pk}"
    before = document_of(api.get(path))["data"]["attributes"]

    changed = document_of(send_options(api, file, separator=","))["data"]["attributes"]

    assert (changed["separator"], changed["guesses"]) == (",", before["guesses"])
    assert [each["header"] for each in changed["columns"]] == ["Vorname;Nachname;E-Mail"]
    assert document_of(send_options(api, file, separator=None))["data"]["attributes"] == before
    assert document_of(api.get(path))["data"]["attributes"] == before


def test_values_that_are_in_use_are_not_taken_for_settings(api: ApiClient) -> None:
    file = upload(api, PEOPLE_1252)
    attributes = document_of(api.get(f"import_files/{file.pk}"))["data"]["attributes"]

    assert send_options(api, file, **{**attributes, "encoding": "windows-1250"}).status_code == 200

    file.refresh_from_db()
    assert file.overrides == {"encoding": "windows-1250"}


def test_an_option_with_which_the_file_cannot_be_read_is_refused(api: ApiClient) -> None:
    file = upload(api, PEOPLE_1252)
    before = take_snapshot()

    response = send_options(api, file, encoding="utf-8")

    (error,) = document_of(response)["errors"]
    assert (response.status_code, error["code"]) == (422, "invalid_attribute")
    assert (error["meta"]["line"], error["meta"]["column"]) == (2, 6)
    assert take_snapshot() == before


@pytest.mark.parametrize(
    ("attribute", "value", "detail"),
    [
        ("separator", 1, "must be text"),
        ("encoding", ["utf-8"], "must be text"),
        ("header_row", "1", "must be a whole number from 0 to 1000000"),
        ("header_row", -1, "must be a whole number from 0 to 1000000"),
        ("header_row", True, "must be a whole number from 0 to 1000000"),
        ("delimiter", ";", "is not a known attribute"),
    ],
)
def test_an_option_of_another_kind_is_refused(api: ApiClient, attribute: str, value: Any, detail: str) -> None:
    file = upload(api, PEOPLE_1252)

    response = send_options(api, file, **{attribute: value})

    source = {"pointer": f"data/attributes/{attribute}"}
    assert_error(response, 422, "invalid_attribute", detail, source=source)


@pytest.mark.parametrize("option", ["format", "encoding", "separator", "quote", "decimal_sign", "date_order", "sheet"])
def test_any_text_as_an_option_is_read_or_refused(api: ApiClient, option: str) -> None:
    file = upload(api, PEOPLE_1252)

    for value in ("", "\x00", "nonsense", "\ud800", "x" * 10_000, "\n", "é", "ambiguous"):
        assert send_options(api, file, **{option: value}).status_code in (200, 422), value


def test_files_of_another_organization_do_not_exist(api: ApiClient, globex: NewOrganization) -> None:
    theirs = upload(ApiClient(globex), PEOPLE_1252)

    assert document_of(api.get("import_files"))["data"] == []
    assert document_of(api.get(f"import_files?filter[id]={theirs.pk}"))["data"] == []
    for response in (api.get(f"import_files/{theirs.pk}"), send_options(api, theirs, separator=",")):
        assert_error(response, 404, "record_not_found", "The requested record was not found")


def test_a_token_that_only_reads_uploads_nothing(acme: NewOrganization) -> None:
    token = create_token(person=acme.person, scopes=[Scope.READ])
    api = ApiClient(NewOrganization(acme.organization, acme.person, token))

    assert send_file(api, PEOPLE_1252).status_code == 403
