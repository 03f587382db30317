"""Wake-ups of Celery's workers, sent after the transaction that queued an operation."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import transaction

# The names of the tasks, which take no arguments.
TASK = "importsvc.operations.work"
WEBHOOKS_TASK = "importsvc.operations.send_webhooks"

_CONFIRM_SECONDS = 1.0

logger = logging.getLogger("importsvc.operations")


def wake_up_on_commit() -> None:
    """Send a wake-up after the caller's transaction commits, if Celery is used."""
    if settings.CELERY_BROKER_URL:
        transaction.on_commit(send_wake_up, robust=True)


def send_wake_up(task: str = TASK, *, expires_after: float | None = None) -> None:
    """Send a wake-up for a task, which RabbitMQ confirms.

    A broker that cannot be reached costs about a second. It is logged and not raised: workers also look at the queue
    without a wake-up.

    Args:
        expires_after: seconds; ``None`` for a message that does not expire.
    """
    # Not before it is needed: a service without Celery does not load it.
    from amqp.exceptions import AMQPError
    from kombu.exceptions import OperationalError

    from importsvc.celery import app

    try:
        # A connection for each message is never one that was lost meanwhile, and no fork or thread shares it.
        # Operations are rare and long, compared to it.
        with app.connection_for_write() as broker, app.amqp.Producer(broker, auto_declare=False) as producer:
            # Without this, sending would try to connect for ever.
            broker.ensure_connection(max_retries=1, interval_start=0, interval_step=0, interval_max=0, timeout=0.5)
            app.send_task(
                task,
                producer=producer,
                retry=False,
                expiration=expires_after,
                confirm_timeout=_CONFIRM_SECONDS,
            )
    except (OperationalError, AMQPError, OSError) as error:
        logger.warning("Workers were not woken, and will find the operation by themselves: %s", error)


def count_listeners() -> int:
    """The number of Celery's workers that listen to the queue; 0 if the broker cannot be reached, which is logged."""
    from amqp.exceptions import AMQPError
    from kombu.exceptions import OperationalError

    from importsvc.celery import app

    try:
        with app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, interval_step=0, interval_max=0, timeout=0.5)
            queue = broker.default_channel.queue_declare(settings.CELERY_QUEUE, passive=True)
            return int(queue.consumer_count)
    except (OperationalError, AMQPError, OSError) as error:
        logger.warning("Celery's workers cannot be counted: %s", error)
        return 0
