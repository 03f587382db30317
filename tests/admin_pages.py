"""What tests of the admin need: pages as a browser reads them, and forms as it sends them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from importsvc.imports.actors import Actor
from importsvc.imports.models import Import
from importsvc.imports.services import create_import, run_import
from people.services import NewOrganization
from tests.builders import make_person

SCRIPT = "<script>alert(1)</script>"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;"


@pytest.fixture
def admin_user(db: None) -> User:
    """Who pytest-django's ``admin_client`` is. Without a password: hashing one takes longer than a whole test."""
    return User.objects.create_user("admin", is_staff=True, is_superuser=True)


def log_in_staff(**permissions: str) -> Client:
    """A client of somebody who has the permissions with these code names, by field lookup, and no other."""
    user = User.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(**permissions))
    client = Client()
    client.force_login(user)
    return client


def import_rows(caller: NewOrganization, import_data: Any, **said: Any) -> Import:
    """An import that was run by the caller. ``said`` are other attributes of it."""
    import_ = create_import(organization=caller.organization, creator=caller.person, import_data=import_data, **said)
    actor = Actor("person", str(caller.person), caller.person.pk)
    return run_import(organization=caller.organization, import_id=import_.pk, actor=actor)


def update_ann(caller: NewOrganization) -> Import:
    """An import of people: one is updated, one is as she was already, and two are made."""
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
    """What a browser would send of a form, if nothing was edited."""

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
            # Browsers drop the line break that starts a text area, and send the others as two characters.
            self.values[self.textarea] = data.removeprefix("\n").removeprefix("\r\n").replace("\n", "\r\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.textarea = ""
        elif tag == "select":
            self.select = ""


def url_of(record: Any, page: str = "change") -> str:
    """A record's page; of a class, a page that is of no record."""
    options = record._meta
    arguments = [] if isinstance(record, type) else [record.pk]
    return reverse(f"admin:{options.app_label}_{options.model_name}_{page}", args=arguments)


def read_form(response: Any) -> dict[str, str]:
    """What the form of a page sends if nothing is edited."""
    page = response.content.decode()
    values = FormReader(page.partition('<div class="submit-row">')[0].partition(' id="content-main"')[2]).values
    assert values
    return values


def open_form(client: Client, record: Any) -> dict[str, str]:
    """What the form of a record's page sends if nothing is edited; of a class, that of the page where one is added."""
    return read_form(client.get(url_of(record, "add" if isinstance(record, type) else "change")))


def send_form(client: Client, record: Any, opened: Mapping[str, str], **edits: str | None) -> Any:
    """Send the form that was opened, with edits. A box is ticked with ``on`` and cleared with ``None``."""
    sent = {name: value for name, value in {**opened, **edits}.items() if value is not None}
    return client.post(url_of(record, "add" if isinstance(record, type) else "change"), sent)


def errors_of(response: Any) -> dict[str, Any]:
    """What is wrong with a form that was sent, by field; nothing if it was saved."""
    if response.status_code == 302:
        return {}
    assert response.status_code == 200
    errors: dict[str, Any] = dict(response.context["adminform"].form.errors)
    assert errors
    return {name: list(messages) for name, messages in errors.items()}


def save(client: Client, record: Any, **edits: str | None) -> dict[str, Any]:
    """Open a record's form, edit fields and save. Returns what is wrong."""
    return errors_of(send_form(client, record, open_form(client, record), **edits))


def confirm(client: Client, confirmation: Any, **edits: str) -> Any:
    """Send the form of the page that asks whether to revert, as it is or with something chosen; the page after it."""
    form = confirmation.content.decode().partition(' id="revert_form"')[2].partition("</form>")[0]
    sent: dict[str, Any] = {**FormReader(form).lists, **edits}
    assert "Yes, revert" in form
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
