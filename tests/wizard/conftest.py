"""A member of staff that has chosen the person in whose name files are imported."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from people.services import NewOrganization
from tests.wizard.walking import Walk, choose_creator


@pytest.fixture
def walk(acme: NewOrganization, admin_user: User) -> Walk:
    """The pages of Acme, as staff in the name of its person."""
    client = Client()
    client.force_login(admin_user)
    choose_creator(client, acme)
    return Walk(client, acme)
