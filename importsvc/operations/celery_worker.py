"""The task that Celery's workers run, and what is added to such a worker: a sweep, and a limit to a warm shutdown."""

from __future__ import annotations

import functools
import logging
import mmap
import struct
import time
from typing import Any, Final

from celery import bootsteps
from celery.worker import consumer
from django.db import DatabaseError, InterfaceError

from importsvc.celery import app
from importsvc.monitoring.reporting import start_reporting
from importsvc.operations.stopping import GRACE_SECONDS
from importsvc.operations.wake_up import TASK, WEBHOOKS_TASK, send_wake_up
from importsvc.operations.work import run_next
from importsvc.webhooks.sender import ATTEMPTS_AT_ONCE
from importsvc.webhooks.sending import send_due

# The seconds between two wake-ups that a worker sends by itself, for operations whose own one was lost.
SWEEP_SECONDS = 5.0

_DEADLINE: Final = struct.Struct("d")

# By the first task of a process of the pool, which is after its fork.
_start_reporting = functools.cache(start_reporting)

logger = logging.getLogger("importsvc.operations")


class SharedDeadline:
    """The time at which running work is to end, known to all processes that were forked after it was made."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _DEADLINE.size)

    def set(self, seconds: float) -> None:
        """It is so many seconds from now."""
        _DEADLINE.pack_into(self._memory, 0, time.monotonic() + seconds)

    def is_set(self) -> bool:
        """Whether no further work is to begin."""
        return self._read() != 0

    def is_over(self) -> bool:
        """Whether running work is to end."""
        return 0 < self._read() <= time.monotonic()

    def _read(self) -> float:
        return float(_DEADLINE.unpack_from(self._memory, 0)[0])


# Made when Celery imports this module, before it starts the processes of its pool.
DEADLINE = SharedDeadline()


def work() -> None:
    """Do operations until none is queued that no worker does."""
    _start_reporting()
    try:
        while not DEADLINE.is_set() and run_next(is_stopping=DEADLINE.is_over):
            pass
    except (DatabaseError, InterfaceError) as error:
        logger.warning("The worker cannot use the database: %s", str(error).strip())


def send_webhooks() -> None:
    """Send webhooks that are due."""
    _start_reporting()
    try:
        send_due(limit=ATTEMPTS_AT_ONCE, should_stop=DEADLINE.is_set)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("Webhooks wait for the database: %s", str(error).strip())


def _wake_up() -> None:
    for task in (TASK, WEBHOOKS_TASK):
        send_wake_up(task, expires_after=SWEEP_SECONDS)


class Consumer(consumer.Consumer):
    """Celery's, without the 28 queues that it makes for delayed messages, of which there are none."""

    class Blueprint(consumer.Consumer.Blueprint):
        default_steps = tuple(
            each for each in consumer.Consumer.Blueprint.default_steps if "DelayedDelivery" not in each
        )


class Sweep(bootsteps.StartStopStep):
    """Sends wake-ups at regular times, for webhooks and for operations whose own one was lost."""

    requires = {"celery.worker.components:Timer"}

    def start(self, worker: Any) -> None:
        """Begin."""
        # A message that was not taken when the next one comes is of no use.
        worker.timer.call_repeatedly(SWEEP_SECONDS, _wake_up)
        _wake_up()


class Grace(bootsteps.StartStopStep):
    """Limits the time that a warm shutdown gives to running operations."""

    requires = {"celery.worker.components:Pool"}

    def __init__(self, worker: Any, grace: float = GRACE_SECONDS, **options: Any) -> None:
        super().__init__(worker, **options)
        self._seconds = grace

    def stop(self, worker: Any) -> None:
        """Let running operations end within the grace. Celery then waits for the processes of its pool."""
        DEADLINE.set(self._seconds)


app.task(work, name=TASK)
app.task(send_webhooks, name=WEBHOOKS_TASK)
app.steps["worker"].update([Sweep, Grace])
