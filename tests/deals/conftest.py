"""An app that is installed for the length of a test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import override_settings

from importsvc.engine.schema import registry
from people.services import NewOrganization
from tests.builders import make_company


@pytest.fixture
def deals(acme: NewOrganization) -> Iterator[Any]:
    """The model's records. The organization has the company Blues."""
    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, "tests.deals"]):
        # Found by starting the app, as any app's importable.py is; the second time Python has it loaded already.
        from tests.deals.models import Deal

        with connection.schema_editor() as editor:
            editor.create_model(Deal)
        make_company(organization=acme.organization, name="Blues")
        yield Deal._default_manager.order_by("id")
        registry.unregister("deal")
        del sys.modules["tests.deals.importable"]
