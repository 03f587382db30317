"""Fixtures of the whole suite."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.db import connection
from django.test.utils import override_settings

from importsvc.engine.schema import registry
from people.services import NewOrganization, create_organization
from tests.builders import make_company, make_organization
from tests.client import ApiClient


@pytest.fixture
def acme(db: None) -> NewOrganization:
    """An organization in Zagreb with a user who has a token."""
    return create_organization(
        name="Acme", email="ada@acme.test", first_name="Ada", last_name="Lovelace", time_zone="Europe/Zagreb"
    )


@pytest.fixture
def api(acme: NewOrganization) -> ApiClient:
    """A client that asks as that user."""
    return ApiClient(acme)


@pytest.fixture
def globex(db: None) -> NewOrganization:
    """Another organization."""
    return make_organization(name="Globex")


@pytest.fixture
def deals(acme: NewOrganization) -> Iterator[Any]:
    """The records of a third type, whose app is installed for the length of a test; Acme has the company Blues, too."""
    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, "tests.deals"]):
        # Found by starting the app, as any app's importable.py is; the second time Python has it loaded already.
        from tests.deals.models import Deal

        with connection.schema_editor() as editor:
            editor.create_model(Deal)
        make_company(organization=acme.organization, name="Blues")
        yield Deal._default_manager.order_by("id")
        registry.unregister("deal")
        admin.site.unregister(Deal)
        del sys.modules["tests.deals.importable"]
