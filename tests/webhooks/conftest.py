"""Fixtures of the tests of webhooks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from importsvc.webhooks.models import WebhookDelivery, WebhookEndpoint
from people.services import NewOrganization
from tests.builders import make_delivery, make_endpoint
from tests.webhooks.outcomes import NOW
from tests.webhooks.receiver import Receiver, receive


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    """A receiver that accepts everything; http and private addresses are allowed."""
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    with receive() as receiver:
        yield receiver


@pytest.fixture
def endpoint(acme: NewOrganization, receiver: Receiver) -> WebhookEndpoint:
    """An endpoint of Acme with the receiver's URL, for all events."""
    return make_endpoint(organization=acme.organization, url=receiver.url)


@pytest.fixture
def delivery(endpoint: WebhookEndpoint) -> WebhookDelivery:
    """A delivery to it that is due at ``NOW``."""
    return make_delivery(endpoint=endpoint, next_attempt_at=NOW)
