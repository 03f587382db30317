"""No request waits for a lock without end: after some seconds it is refused, with the time after which to try again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from pytest_django import Settings

from importsvc.idempotency.models import IdempotencyKey
from importsvc.imports.models import Import
from importsvc.imports.selectors import is_in_use
from importsvc.imports.services.transactions import lock_import
from importsvc.management import output
from organizations.models import Organization
from people.models import Person
from people.services import NewOrganization
from tests.admin_pages import messages_of, open_form, send_form, url_of, values_of
from tests.builders import PUBLISHED_ROWS, make_person
from tests.client import ApiClient, assert_error, is_replay
from tests.command_line import manage
from tests.imports.steps import import_rows, stage
from tests.interleaving import PATIENCE_SECONDS, threads

pytestmark = pytest.mark.django_db(transaction=True)

IN_USE = (409, "conflict", "The import is being updated, run or reverted at this moment")
ADVICE = "try again later, or send it with 'Prefer: respond-async'"
WAITED = (
    503,
    "service_unavailable",
    f"Another transaction has held records of this organization for 1 seconds; {ADVICE}",
)


@pytest.fixture(autouse=True)
def one_second(settings: Settings) -> None:
    settings.LOCK_TIMEOUT_SECONDS = 1


def elsewhere(work: Callable[[], Any]) -> Any:
    """The result of work over another connection."""
    with threads() as background:
        return background.start(work).result(PATIENCE_SECONDS)


def requests(api: ApiClient, caller: NewOrganization) -> dict[str, tuple[Import, Callable[[], Any]]]:
    """A request of each kind that changes an import, and that import."""
    staged, made = stage(caller, PUBLISHED_ROWS), import_rows(caller, {"person": [{"first_name": "Bob"}]})
    return {
        "update": (
            staged,
            lambda: api.send_import("PATCH", f"imports/{staged.pk}", import_data={"person": [{"first_name": "Ann"}]}),
        ),
        "run": (staged, lambda: api.request("POST", f"imports/{staged.pk}/import")),
        "revert": (made, lambda: api.request("PATCH", f"imports/{made.pk}/revert")),
    }


@pytest.mark.parametrize("kind", ["update", "run", "revert"])
@pytest.mark.parametrize("is_keyed", [False, True])
def test_a_request_for_an_import_in_use_is_a_conflict_at_once_and_is_not_stored(
    acme: NewOrganization, kind: str, is_keyed: bool
) -> None:
    api = ApiClient(acme, **({"Idempotency-Key": "again"} if is_keyed else {}))
    import_, send = requests(api, acme)[kind]

    with transaction.atomic():
        lock_import(acme.organization, import_.pk)
        response = elsewhere(send)
        assert elsewhere(lambda: is_in_use(organization_id=acme.organization.pk, import_id=import_.pk))

    assert_error(response, *IN_USE)
    assert response.headers["Retry-After"] == "5"
    assert not IdempotencyKey.objects.exists()
    assert not is_in_use(organization_id=acme.organization.pk, import_id=import_.pk)
    again = send()
    assert (again.status_code, is_replay(again)) == (200, False)


def test_an_import_of_another_organization_is_not_in_use(acme: NewOrganization, globex: NewOrganization) -> None:
    import_ = stage(acme, PUBLISHED_ROWS)

    with transaction.atomic():
        lock_import(acme.organization, import_.pk)
        assert not elsewhere(lambda: is_in_use(organization_id=globex.organization.pk, import_id=import_.pk))


@pytest.mark.parametrize("kind", ["run", "revert"])
@pytest.mark.parametrize("is_keyed", [False, True])
def test_a_request_waits_for_the_organization_and_is_then_refused_and_not_stored(
    acme: NewOrganization, kind: str, is_keyed: bool
) -> None:
    api = ApiClient(acme, **({"Idempotency-Key": "again"} if is_keyed else {}))
    _, send = requests(api, acme)[kind]

    with transaction.atomic():
        Organization.objects.select_for_update().get(pk=acme.organization.pk)
        response = elsewhere(send)

    assert_error(response, *WAITED)
    assert response.headers["Retry-After"] == "5"
    assert not IdempotencyKey.objects.exists()
    assert send().status_code == 200


def test_a_run_waits_for_a_record_in_the_same_way(api: ApiClient, acme: NewOrganization) -> None:
    ann = make_person(organization=acme.organization, email="ann@acme.test")
    import_ = stage(acme, {"person": [{"first_name": "Ann", "email": "ann@acme.test"}]}, on_duplicate="update")

    with transaction.atomic():
        Person.objects.for_organization(acme.organization).select_for_update().get(pk=ann.pk)
        response = elsewhere(lambda: api.request("POST", f"imports/{import_.pk}/import"))

    assert_error(response, *WAITED)


def test_reads_do_not_wait(api: ApiClient, acme: NewOrganization) -> None:
    staged, made = stage(acme, PUBLISHED_ROWS), import_rows(acme, {"person": [{"first_name": "Bob"}]})
    paths = [
        "imports",
        f"imports/{staged.pk}",
        f"imports/{staged.pk}/import",
        f"imports/{made.pk}/revert",
        f"imports/{made.pk}/changes",
        "people",
    ]

    with transaction.atomic():
        Organization.objects.select_for_update().get(pk=acme.organization.pk)
        list(Import.objects.for_organization(acme.organization).select_for_update())
        list(Person.objects.for_organization(acme.organization).select_for_update())
        statuses = [elsewhere(lambda path=path: api.get(path).status_code) for path in paths]  # type: ignore[misc]

    assert statuses == [200] * len(paths)


@pytest.mark.parametrize("page", ["change", "delete"])
def test_a_form_of_a_locked_record_says_so_and_saves_nothing(
    acme: NewOrganization, admin_client: Client, page: str
) -> None:
    ann = make_person(organization=acme.organization, first_name="Ann")
    opened, before = open_form(admin_client, ann), values_of(ann)
    sent = {**opened, "title": "Dr"} if page == "change" else {"post": "yes"}

    with transaction.atomic():
        Person.objects.for_organization(acme.organization).select_for_update().get(pk=ann.pk)
        response = elsewhere(lambda: admin_client.post(url_of(ann, page), sent, follow=True))

    assert response.redirect_chain == [(url_of(ann, page), 302)]
    assert messages_of(response) == [
        "An import, a revert or another form has held this record for 1 seconds. Nothing was saved; try again later."
    ]
    assert values_of(ann) == before
    assert send_form(admin_client, ann, opened, title="Dr").status_code == 302


def test_a_revert_in_the_admin_of_an_import_in_use_is_refused(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    url = url_of(import_, "revert")
    opened = admin_client.get(url).context

    with transaction.atomic():
        lock_import(acme.organization, import_.pk)
        sent = {"on_conflict": "keep", opened["etag_name"]: opened["choice_page"].etag}
        response = elsewhere(lambda: admin_client.post(url, sent, follow=True))

    assert messages_of(response) == [
        f"Import {import_.pk}: refused: The import is being updated, run or reverted at this moment"
    ]


def test_a_command_waits_longer_but_not_without_end(acme: NewOrganization, monkeypatch: pytest.MonkeyPatch) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    with threads() as background:
        with transaction.atomic():
            lock_import(acme.organization, import_.pk)
            reverting = background.start_blocked(lambda: manage("revert_imports", import_.pk, "--json"))
        outcome = reverting.result(PATIENCE_SECONDS)

    assert outcome.code == 0
    assert json.loads(outcome.out)["imports"][0]["removed"] == {"company": 1, "person": 1}
    assert output.LOCK_TIMEOUT_SECONDS == 60
