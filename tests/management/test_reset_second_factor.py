"""The command that removes the second factor of an account whose device is lost."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import User
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.people.test_commands import NOT_UTF8, refuse, run

pytestmark = pytest.mark.django_db


def test_the_second_factor_of_one_account_is_removed(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("oli", "eve"):
        TOTPDevice.objects.create(user=User.objects.create_user(name))

    assert run(capsys, "reset_second_factor", "oli") == "Removed the second factor of oli.\n"
    assert run(capsys, "reset_second_factor", "oli") == "oli has no second factor.\n"
    assert [device.user.username for device in TOTPDevice.objects.all()] == ["eve"]
    assert json.loads(run(capsys, "reset_second_factor", "eve", "--json")) == {"username": "eve", "removed": True}


@pytest.mark.parametrize("name", ["nemo", "", NOT_UTF8])
def test_an_unknown_account_is_refused(name: str) -> None:
    assert refuse("reset_second_factor", name) == f"No account is called {name!r}."
