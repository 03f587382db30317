"""Goes through the pages as a browser without JavaScript does: reads forms, changes fields, sends them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from importsvc.files.models import ImportFile
from importsvc.imports.models import Import
from people.services import NewOrganization


class Forms(HTMLParser):
    """The forms of a page: of each the address and the fields that a browser sends if nothing is changed.

    ``buttons`` are the texts of its buttons, and ``sent`` what each of them adds to the fields.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[dict[str, Any]] = []
        self._by_id: dict[str, dict[str, Any]] = {}
        self._form: dict[str, Any] | None = None
        self._select = ""
        self._of_button: dict[str, Any] | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self._form = {
                "action": given.get("action", ""),
                "fields": {},
                "buttons": [],
                "sent": [],
                "method": given["method"],
            }
            self.found.append(self._form)
            self._by_id[given.get("id", "")] = self._form
        form = self._by_id[given["form"]] if "form" in given else self._form
        if form is None:
            return
        name = given.get("name", "")
        if tag == "input" and name:
            if given["type"] not in ("checkbox", "radio") or "checked" in given:
                form["fields"][name] = given.get("value", "on" if given["type"] == "checkbox" else "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in given or self._select not in form["fields"]):
            form["fields"][self._select] = given["value"]
        elif tag == "button":
            self._of_button = form
            form["buttons"].append("")
            form["sent"].append({name: given.get("value", "")} if name else {})

    def handle_data(self, data: str) -> None:
        if self._of_button is not None:
            self._of_button["buttons"][-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "button":
            self._of_button = None


class Walk:
    """A client on the pages of an organization.

    Attributes:
        url: of the page that was seen last.
        text: of that page, without tags.
        status: of its response.
    """

    def __init__(self, client: Client, tenant: NewOrganization) -> None:
        self.client = client
        self.tenant = tenant
        self.url = f"/import/{tenant.organization.pk}/"
        self.text = self.page = ""
        self.status = 0

    def go(self, url: str) -> Walk:
        """Open a page; a relative address is one below that of the organization."""
        return self.see(self.client.get(url if url.startswith("/") else self.at(url), follow=True))

    def at(self, path: str) -> str:
        """An address below that of the organization."""
        return f"/import/{self.tenant.organization.pk}/{path}"

    def upload(self, content: bytes, name: str = "people.csv", **fields: str) -> Walk:
        """Upload a file."""
        file = SimpleUploadedFile(name, content, content_type="text/csv")
        return self.see(self.client.post(self.at("files/"), {"file": file, **fields}, follow=True))

    def send(self, button: str, **changes: str | None) -> Walk:
        """Send the form of the page that has a button with this text, with some fields changed; ``None`` leaves out."""
        form = self.find_form(button)
        pressed = next(sent for text, sent in zip(form["buttons"], form["sent"], strict=True) if button in text)
        fields = {name.replace("__", "-"): value for name, value in {**form["fields"], **pressed, **changes}.items()}
        sent = {name: value for name, value in fields.items() if value is not None}
        url = form["action"] or self.url
        return self.see(self.client.post(url, sent, follow=True))

    def find_form(self, button: str) -> dict[str, Any]:
        """The form that has a button with this text."""
        forms = Forms(self.page).found
        return next(form for form in forms if any(button in text for text in form["buttons"]))

    @property
    def file(self) -> ImportFile:
        """The only file."""
        return ImportFile.objects.for_organization(self.tenant.organization).get()

    @property
    def import_(self) -> Import:
        """The latest import."""
        return Import.objects.for_organization(self.tenant.organization).order_by("-id")[0]

    def see(self, response: Any) -> Walk:
        """Take a response for the page."""
        self.status = response.status_code
        if response.redirect_chain:
            self.url = urlsplit(response.redirect_chain[-1][0]).path
        else:
            self.url = response.request["PATH_INFO"]
        self.page = response.content.decode()
        body = re.sub(r"<(script|style|head)\b.*?</\1>", " ", self.page, flags=re.DOTALL)
        self.text = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())
        return self


def choose_creator(client: Client, tenant: NewOrganization) -> None:
    """Choose an organization and its first person, as staff do."""
    chosen = {"organization": tenant.organization.pk, "person": tenant.person.pk}
    assert client.post("/import/", chosen).status_code == 302


def visit_steps(walk: Walk, count: int) -> Iterator[tuple[str, str]]:
    """The pages of a file with so many rows, a tenth of which have errors; yields the name and address of each."""
    lines = [f"Ada{number},{'wrong' if number % 10 == 0 else f'ada{number}@x{count}.test'}" for number in range(count)]
    walk.upload("\n".join(["First name,Email", *lines]).encode(), name=f"{count}.csv")
    file_url = walk.url
    yield "file", file_url
    yield "columns", f"{file_url}columns"
    walk.send("Continue to the columns", next="1").send("Check the rows")
    import_url = walk.at(f"imports/{walk.import_.pk}/")
    yield "check", f"{import_url}check"
    yield "more rows", f"{import_url}check?after=person-0"
    yield "discard", f"{import_url}discard"
    yield "preview", f"{import_url}preview"
    yield "error file", f"{import_url}errors.csv"
    yield "not run", import_url
    walk.go(f"{import_url}preview").send("Import")
    yield "result", import_url
    yield "revert", f"{import_url}?undo=1"
