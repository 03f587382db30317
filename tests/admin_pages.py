"""Helpers for tests of the admin: read pages and send forms as a browser does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from importsvc.imports.models import Import
from people.services import NewOrganization
from tests.builders import make_person
from tests.imports.steps import import_rows

SCRIPT = "<script>alert(1)</script>"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;"


def log_in_staff(**permissions: str | list[str]) -> Client:
    """A client of a member of staff with only the permissions that match these lookups."""
    user = User.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(**permissions))
    client = Client()
    client.force_login(user)
    return client


def update_ann(caller: NewOrganization) -> Import:
    """An import of people: one is updated, one is unchanged, and two are created."""
    for name in ("Ann", "Eve"):
        make_person(
            organization=caller.organization, first_name=name, email=f"{name.lower()}@acme.test", title="Before"
        )
    rows = [
        {"first_name": "Ann", "email": "ann@acme.test", "title": SCRIPT, "last_name": ""},
        {"first_name": "Eve", "email": "eve@acme.test"},
        {"first_name": "Bob"},
        {"first_name": "Cid"},
    ]
    return import_rows(caller, {"person": rows, "company": []}, on_duplicate="update")


def read(client: Client, url: str) -> str:
    """A page, without the line breaks of its source."""
    response = client.get(url)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def messages_of(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


class FormReader(HTMLParser):
    """Reads from a page the values that a browser sends of its form if nothing is edited."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.lists: dict[str, list[str]] = {}
        self.select = self.textarea = ""
        self.feed(form)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        name = given.get("name", "")
        if "disabled" in given:
            name = ""
        if tag == "input" and name and (given["type"] not in ("checkbox", "radio") or "checked" in given):
            value = given.get("value", "on" if given["type"] == "checkbox" else "")
            # Browsers send a line of text without line ends.
            self.values[name] = value if given["type"] == "hidden" else re.sub("[\r\n]", "", value)
            self.lists.setdefault(name, []).append(self.values[name])
        elif tag == "textarea" and name:
            self.textarea = name
            self.values[name] = ""
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select and "selected" in given:
            self.values[self.select] = given["value"]

    def handle_data(self, data: str) -> None:
        if self.textarea:
            # Browsers drop a line break at the start of a text area, and send every other one as two characters.
            self.values[self.textarea] = data.removeprefix("\n").removeprefix("\r\n").replace("\n", "\r\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.textarea = ""
        elif tag == "select":
            self.select = ""


def url_of(record: Any, page: str = "change") -> str:
    """The URL of a record's page; for a class, of a page without a record."""
    options = record._meta
    arguments = [] if isinstance(record, type) else [record.pk]
    return reverse(f"admin:{options.app_label}_{options.model_name}_{page}", args=arguments)


def read_form(response: Any) -> dict[str, str]:
    """The values that the form of a page sends if nothing is edited."""
    page = response.content.decode()
    values = FormReader(page.partition('<div class="submit-row">')[0].partition(' id="content-main"')[2]).values
    assert values
    return values


def open_form(client: Client, record: Any) -> dict[str, str]:
    """The values that a record's form sends if nothing is edited; for a class, the form of the page that adds one."""
    return read_form(client.get(url_of(record, "add" if isinstance(record, type) else "change")))


def send_form(client: Client, record: Any, opened: Mapping[str, str], **edits: str | None) -> Any:
    """Send an opened form with edits. ``on`` ticks a box and ``None`` clears it."""
    sent = {name: value for name, value in {**opened, **edits}.items() if value is not None}
    return client.post(url_of(record, "add" if isinstance(record, type) else "change"), sent)


def errors_of(response: Any) -> dict[str, Any]:
    """The errors of a sent form, by field; empty if it was saved."""
    if response.status_code == 302:
        return {}
    assert response.status_code == 200
    errors: dict[str, Any] = dict(response.context["adminform"].form.errors)
    assert errors
    return {name: list(messages) for name, messages in errors.items()}


def save(client: Client, record: Any, **edits: str | None) -> dict[str, Any]:
    """Open a record's form, edit fields and save; returns the errors by field."""
    return errors_of(send_form(client, record, open_form(client, record), **edits))


def confirm(client: Client, confirmation: Any, *, form_id: str = "revert_form", **edits: str) -> Any:
    """Send the form of a page that reverts, perhaps with other choices; returns the page after it."""
    form = confirmation.content.decode().partition(f' id="{form_id}"')[2].partition("</form>")[0]
    sent: dict[str, Any] = {**FormReader(form).lists, **edits}
    assert 'type="submit"' in form
    return client.post(confirmation.request["PATH_INFO"], sent, follow=True)


def values_of(record: Any) -> dict[str, Any]:
    """The record's row as it is now."""
    return dict(type(record)._default_manager.filter(pk=record.pk).values().get())


def read_told_tokens(client: Client) -> list[str]:
    """The tokens in the messages on the next page."""
    return [
        token
        for message in client.get("/admin/").context["messages"]
        for token in re.findall(r"\b\w{8}\.\w{32}\b", str(message))
    ]


def write(record: Any, **values: Any) -> None:
    """Write values into the record's row, as another transaction does while a form is open."""
    type(record)._default_manager.filter(pk=record.pk).update(**values)


def changed_to(value: str) -> list[str]:
    """The errors of a field that was changed to this value after the form was opened."""
    return [f"This was changed to “{value}” after the form was opened. Save again to overwrite it."]
