"""Commands that create, rotate and list tokens with a time and scopes."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from people.authentication import find_token
from people.models import ApiToken
from people.services import NewOrganization, create_token, revoke_token
from tests.builders import make_organization
from tests.people.test_commands import NOT_UTF8, refuse, run

pytestmark = pytest.mark.django_db

# A test takes less.
SOON = timedelta(minutes=5)


def create(capsys: pytest.CaptureFixture[str], caller: NewOrganization, *options: str) -> ApiToken:
    """The token that the command creates, which works."""
    address = ["--organization", str(caller.organization.pk), "--email", "ada@acme.test"]
    return find(json.loads(run(capsys, "create_token", *address, *options))["token"])


def find(token: str) -> ApiToken:
    found = find_token(token)
    assert found is not None
    return ApiToken.objects.get(pk=found.pk)


def get_prefix(caller: NewOrganization) -> str:
    return caller.token.partition(".")[0]


def assert_close(at: Any, expected: timedelta) -> None:
    """The time is so far from now."""
    assert abs(at - timezone.now() - expected) < SOON


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("90m", timedelta(minutes=90)),
        ("12h", timedelta(hours=12)),
        ("30d", timedelta(days=30)),
        ("52w", timedelta(weeks=52)),
        ("36525d", timedelta(days=36525)),
    ],
)
def test_a_token_expires_after_the_given_time(
    acme: NewOrganization, capsys: pytest.CaptureFixture[str], written: str, expected: timedelta
) -> None:
    assert_close(create(capsys, acme, "--expires-in", written).expiry_date, expected)


def test_a_token_does_not_expire_and_has_all_scopes_unless_asked_for(
    acme: NewOrganization, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = create(capsys, acme)
    chosen = create(capsys, acme, "--scope", "revert", "--scope", "read", "--name", "Nightly")

    assert (plain.name, plain.expiry_date, plain.scopes) == ("API", None, ["read", "import", "revert"])
    assert (chosen.name, chosen.expiry_date, chosen.scopes) == ("Nightly", None, ["read", "revert"])


@pytest.mark.parametrize(
    "written", ["", "0d", "30", "d", "-1d", "1.5h", "30 d", "1y", "1D", "36526d", "9" * 9 + "m", "٣d"]
)
def test_a_time_that_is_none_is_wrong_usage(acme: NewOrganization, written: str) -> None:
    address = ["--organization", str(acme.organization.pk), "--email", "ada@acme.test"]
    commands = [["create_token", *address, f"--expires-in={written}"]]
    commands += [["rotate_token", get_prefix(acme), f"{option}={written}"] for option in ("--expires-in", "--keep-for")]
    for command in commands:
        with pytest.raises(CommandError, match=f"{written!r} is not a time like 90m, 12h, 30d or 52w"):
            call_command(*command)
    assert ApiToken.objects.count() == 1


def test_an_unknown_scope_is_wrong_usage(acme: NewOrganization) -> None:
    with pytest.raises(CommandError, match="argument --scope: invalid choice: 'write'"):
        call_command("create_token", "--organization", str(acme.organization.pk), "--email", "x", "--scope", "write")


@pytest.mark.parametrize(
    ("name", "refusal"),
    [
        ("x" * 51, "Ensure this value has at most 50 characters (it has 51)."),
        ("", "This field cannot be blank."),
        (NOT_UTF8, "The arguments are not UTF-8."),
    ],
)
def test_a_name_that_cannot_be_stored_is_refused(acme: NewOrganization, name: str, refusal: str) -> None:
    address = ["--organization", str(acme.organization.pk), "--email", "ada@acme.test"]

    with transaction.atomic():
        assert refuse("create_token", *address, "--name", name) == refusal
        transaction.set_rollback(name == NOT_UTF8)  # the database has refused it
    assert ApiToken.objects.count() == 1


@pytest.mark.parametrize("form", ["prefix", "token"])
def test_a_rotated_token_is_revoked_and_the_new_one_is_like_it(
    acme: NewOrganization, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    ApiToken.objects.update(name="Nightly", can_revert=False)

    printed = run(capsys, "rotate_token", get_prefix(acme) if form == "prefix" else f" {acme.token}\n")

    assert printed.count("\n") == 1
    assert list(json.loads(printed)) == ["token"]
    new = find(json.loads(printed)["token"])
    assert (new.person, new.name, new.scopes, new.expiry_date) == (acme.person, "Nightly", ["read", "import"], None)
    assert ApiToken.objects.get(prefix=get_prefix(acme)).revoked
    assert find_token(acme.token) is None


def test_a_rotated_token_can_be_kept_for_a_time_but_not_for_longer_than_it_had(
    acme: NewOrganization, capsys: pytest.CaptureFixture[str]
) -> None:
    for rotation, keep_for, expected in ((1, "2h", timedelta(hours=2)), (2, "1d", timedelta(hours=2))):
        run(capsys, "rotate_token", get_prefix(acme), "--keep-for", keep_for)

        old = find(acme.token)
        assert not old.revoked
        assert_close(old.expiry_date, expected)
        assert ApiToken.objects.count() == 1 + rotation


def test_the_new_token_is_valid_as_long_as_the_old_one_was_to_be(
    acme: NewOrganization, capsys: pytest.CaptureFixture[str]
) -> None:
    def rotate(*options: str) -> Any:
        now = timezone.now()
        token = create_token(person=acme.person, expires_at=now + timedelta(days=1))
        prefix = token.partition(".")[0]
        ApiToken.objects.filter(prefix=prefix).update(created=now - timedelta(days=29))
        return find(json.loads(run(capsys, "rotate_token", prefix, *options))["token"]).expiry_date

    assert_close(rotate(), timedelta(days=30))
    assert_close(rotate("--expires-in", "12h"), timedelta(hours=12))


def test_a_token_that_does_not_work_is_not_rotated(acme: NewOrganization) -> None:
    prefix = get_prefix(acme)
    for change, kind in (({"expiry_date": timezone.now()}, "expired"), ({"revoked": True}, "revoked")):
        ApiToken.objects.update(**change)
        assert refuse("rotate_token", prefix) == f"The token is {kind}: create another one."
    ApiToken.objects.update(revoked=False, expiry_date=None)
    type(acme.person).objects.update(archived_at=timezone.now())
    assert refuse("rotate_token", prefix) == "Ada Lovelace is archived: a token would not work."

    assert ApiToken.objects.get().revoked is False


@pytest.mark.parametrize("prefix", ["nope", "", ".", NOT_UTF8])
def test_an_unknown_token_is_not_rotated(acme: NewOrganization, prefix: str) -> None:
    assert refuse("rotate_token", prefix) == f"No token starts with {prefix.strip('.')!r}."


def test_tokens_of_an_organization_are_listed_with_state_and_scopes(
    acme: NewOrganization, capsys: pytest.CaptureFixture[str]
) -> None:
    make_organization()
    at = timezone.now().replace(2020, 1, 2, 3, 4, 5, 6)
    expired = create_token(person=acme.person, name="Old", expires_at=at, scopes=["read"]).partition(".")[0]
    revoked = create_token(person=acme.person).partition(".")[0]
    revoke_token(prefix=revoked)
    ApiToken.objects.update(created=at)
    arguments = ["list_tokens", "--organization", str(acme.organization.pk)]

    table, document = run(capsys, *arguments), json.loads(run(capsys, *arguments, "--json"))

    assert [" ".join(line.split()) for line in table.splitlines()] == [
        "prefix name person scopes created_at expires_at state",
        f"{revoked} API Ada Lovelace read, import, revert 2020-01-02T03:04:05+00:00 never revoked",
        f"{expired} Old Ada Lovelace read 2020-01-02T03:04:05+00:00 2020-01-02T03:04:05+00:00 expired",
        f"{get_prefix(acme)} API Ada Lovelace read, import, revert 2020-01-02T03:04:05+00:00 never valid",
    ]
    assert document["tokens"][1] == {
        "prefix": expired,
        "name": "Old",
        "person": {"id": acme.person.pk, "name": "Ada Lovelace", "email": "ada@acme.test"},
        "organization": {"id": acme.organization.pk, "name": "Acme"},
        "scopes": ["read"],
        "created_at": "2020-01-02T03:04:05+00:00",
        "expires_at": "2020-01-02T03:04:05+00:00",
        "state": "expired",
    }
    assert [each["state"] for each in document["tokens"]] == ["revoked", "expired", "valid"]
    assert json.loads(run(capsys, "list_tokens", "--organization", "999", "--json")) == {"tokens": []}
