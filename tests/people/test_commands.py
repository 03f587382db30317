"""Commands that create organizations, and create and revoke tokens."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from organizations.models import Organization
from people.authentication import find_token
from people.models import ApiToken, Person
from people.services import NewOrganization
from tests.builders import make_organization, make_person

pytestmark = pytest.mark.django_db

# Python's representation of a byte of the command line that is not UTF-8.
NOT_UTF8 = "x\udcff"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The standard output of the command."""
    call_command(*arguments)
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out


def refuse(*arguments: str) -> str:
    """The refusal of the command, with exit code 1."""
    with pytest.raises(CommandError) as caught:
        call_command(*arguments)
    assert caught.value.returncode == 1
    return str(caught.value)


def test_an_organization_starts_with_its_company_and_a_user_with_a_token(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--email", "Ada@acme.test", "--time-zone", "Europe/Zagreb", "--first-name", "Ada", "--last-name", "King"]
    printed = run(capsys, "create_organization", "Acme", *options)

    made = json.loads(printed)
    assert printed.count("\n") == 1
    assert list(made) == ["organization_id", "person_id", "token"]
    organization = Organization.objects.get(pk=made["organization_id"])
    person = Person.objects.get(pk=made["person_id"])
    assert (organization.name, organization.time_zone) == ("Acme", "Europe/Zagreb")
    assert person.company is not None
    assert (person.company.name, person.company.default_currency) == ("Acme", "USD")
    assert (person.first_name, person.last_name, person.email) == ("Ada", "King", "Ada@acme.test")
    assert (person.is_user, person.role_id) == (True, 1)
    token = find_token(made["token"])
    assert token is not None
    assert token.person == person


def test_a_first_user_without_a_name_is_called_by_the_address(capsys: pytest.CaptureFixture[str]) -> None:
    made = json.loads(run(capsys, "create_organization", "Acme", "--email", "ada@acme.test", "--last-name", " "))
    person = Person.objects.get(pk=made["person_id"])
    assert (person.first_name, person.last_name) == ("ada", None)


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (["", "--email", "ada@acme.test"], "name: This field cannot be blank."),
        (["x" * 256, "--email", "ada@acme.test"], "name: Ensure this value has at most 255 characters (it has 256)."),
        (["Acme", "--email", "nobody"], "email: Enter a valid email address."),
        (["Acme", "--email", " "], "email: The first person needs an address."),
        (["Acme", "--email", "a@b.test", "--first-name", " "], "first_name: This field cannot be blank."),
        (
            ["Acme", "--email", "a@b.test", "--time-zone", "Mars/Base"],
            "time_zone: 'Mars/Base' is not a time zone; use a name like 'Europe/Zagreb'.",
        ),
        ([NOT_UTF8, "--email", "a@b.test"], "The arguments are not UTF-8."),
    ],
)
def test_an_organization_with_invalid_values_is_refused_and_nothing_is_created(
    arguments: list[str], refusal: str
) -> None:
    assert refuse("create_organization", *arguments) == refusal
    assert not Organization.objects.exists()


def test_a_token_is_created_for_an_address_whatever_its_case(
    acme: NewOrganization, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = run(capsys, "create_token", "--organization", str(acme.organization.pk), "--email", " ADA@acme.TEST")

    assert printed.count("\n") == 1
    token = find_token(json.loads(printed)["token"])
    assert token is not None
    assert token.person == acme.person
    assert find_token(acme.token) is not None


def test_a_token_for_an_unknown_person_is_refused(acme: NewOrganization) -> None:
    other = make_organization().organization.pk
    for organization in (0, 10**30):
        refusal = refuse("create_token", "--organization", str(organization), "--email", "ada@acme.test")
        assert refusal == f"There is no organization {organization}"
    for organization, email in [
        (other, "ada@acme.test"),
        (acme.organization.pk, "nobody@acme.test"),
        (acme.organization.pk, ""),
        (acme.organization.pk, NOT_UTF8),
    ]:
        refusal = refuse("create_token", "--organization", str(organization), "--email", email)
        assert refusal == f"No person in organization {organization} has the address {email!r}."


@pytest.mark.parametrize(("field", "kind"), [("deactivated_at", "deactivated"), ("archived_at", "archived")])
def test_a_token_for_a_person_without_access_is_refused(acme: NewOrganization, field: str, kind: str) -> None:
    now: dict[str, Any] = {field: timezone.now()}
    make_person(organization=acme.organization, first_name="Grace", email="grace@acme.test", **now)
    refusal = refuse("create_token", "--organization", str(acme.organization.pk), "--email", "grace@acme.test")
    assert refusal == f"Grace is {kind}: a token would not work."


@pytest.mark.parametrize("form", ["prefix", "token"])
def test_a_revoked_token_does_not_work_any_more(
    acme: NewOrganization, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    prefix = acme.token.partition(".")[0]
    written = {"prefix": prefix, "token": f" {acme.token}\n"}[form]
    sentence = (
        f"Revoked token {prefix} of Ada Lovelace <ada@acme.test> in Acme (organization {acme.organization.pk}).\n"
    )

    assert run(capsys, "revoke_token", written) == sentence
    assert find_token(acme.token) is None
    assert run(capsys, "revoke_token", written) == sentence


@pytest.mark.parametrize("prefix", ["nope", "", ".", NOT_UTF8])
def test_an_unknown_token_is_refused(acme: NewOrganization, prefix: str) -> None:
    assert refuse("revoke_token", prefix) == f"No token starts with {prefix.strip('.')!r}."
    assert not ApiToken.objects.filter(revoked=True).exists()
