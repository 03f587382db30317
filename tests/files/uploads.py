"""Files that tests upload."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from importsvc.files.models import ImportFile
from tests.client import ApiClient, document_of

# A list as a German Excel saves it: semicolons, Windows-1252 for the umlaut.
PEOPLE = "Vorname;Nachname;E-Mail\r\nAda;Müller;ada@example.com\r\nBob;;bob@example.com\r\n"
PEOPLE_1252 = PEOPLE.encode("cp1252")


def send_file(
    api: ApiClient, content: bytes, *, name: str = "people.csv", content_type: str = "text/csv", **headers: str
) -> HttpResponse:
    """The response to a request whose body is a file."""
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'} if name else {}
    return api.request("POST", "import_files", content, content_type=content_type, headers={**disposition, **headers})


def send_form(api: ApiClient, content: bytes, *, name: str = "people.csv", boundary: str = "XX") -> HttpResponse:
    """The response to a request whose body is a form with a file, as ``curl -F file=@people.csv`` sends it."""
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    body = head.encode() + b"Content-Type: text/csv\r\n\r\n" + content + f"\r\n--{boundary}--\r\n".encode()
    return api.request("POST", "import_files", body, content_type=f"multipart/form-data; boundary={boundary}")


def upload(api: ApiClient, content: bytes, **options: Any) -> ImportFile:
    """A file that was uploaded."""
    response = send_file(api, content, **options)
    assert response.status_code == 201, response.content
    return ImportFile.objects.for_organization(api.caller.organization).get(pk=document_of(response)["data"]["id"])


def send_options(api: ApiClient, file: ImportFile, **options: Any) -> HttpResponse:
    """The response to a request that sets options of a file."""
    document = {"data": {"type": "import_files", "id": str(file.pk), "attributes": options}}
    return api.send("PATCH", f"import_files/{file.pk}", document)
