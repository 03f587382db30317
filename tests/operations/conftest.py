"""A real RabbitMQ for the tests of Celery."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from kombu.connection import Connection
from pytest_django import Settings

BROKER = os.environ.get("TEST_BROKER_URL", "amqp://guest:guest@127.0.0.1:5672//")
MISSING = f"tests of Celery need a RabbitMQ at {BROKER}; on Debian: apt install rabbitmq-server"

# Of this process: test processes run at once, each with its own database.
QUEUE = f"importsvc-test-{os.getpid()}"

# A broker takes a while to answer on a machine that is busy with other tests.
PATIENCE_SECONDS = 60 if os.environ.get("REQUIRE_RABBITMQ") else 5


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[str]:
    """The URL. Where there is none, its tests are skipped, or fail if ``REQUIRE_RABBITMQ`` is set."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with Connection(BROKER, connect_timeout=PATIENCE_SECONDS) as connection:
                connection.connect()
            break
        except OSError:
            if time.monotonic() > deadline:
                if os.environ.get("REQUIRE_RABBITMQ"):
                    pytest.fail(MISSING, pytrace=False)
                pytest.skip(MISSING)
            time.sleep(0.5)
    yield BROKER
    with Connection(BROKER, connect_timeout=2) as connection:
        connection.default_channel.queue_delete(QUEUE)


@pytest.fixture
def celery_settings(rabbitmq: str, settings: Settings) -> Iterator[None]:
    """Operations that the test queues wake up Celery's workers, by an empty queue."""
    settings.CELERY_BROKER_URL = rabbitmq
    settings.CELERY_QUEUE = QUEUE
    from importsvc.celery import app

    with app.connection_for_write() as connection:
        app.amqp.queues[QUEUE].bind(connection.default_channel).declare()
        connection.default_channel.queue_purge(QUEUE)
        yield
