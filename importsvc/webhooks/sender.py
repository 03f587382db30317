"""The thread of a worker that sends webhooks beside its operations, which may take minutes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, connection

from importsvc.webhooks.sending import send_due

# The seconds between two looks for due deliveries, and the most attempts of one look.
POLL_SECONDS = 1.0
ATTEMPTS_AT_ONCE = 1_000

logger = logging.getLogger("importsvc.webhooks")


def start_sender(should_stop: Callable[[], bool]) -> threading.Thread:
    """Send due deliveries in a thread until ``should_stop`` returns true.

    The thread ends with its process. Deliveries that are being sent then are due again after their lease.
    """
    thread = threading.Thread(target=_send, args=[should_stop], name="importsvc-webhooks", daemon=True)
    thread.start()
    return thread


def _send(should_stop: Callable[[], bool]) -> None:
    pause = threading.Event()
    while not should_stop():
        try:
            send_due(limit=ATTEMPTS_AT_ONCE, should_stop=should_stop)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("Webhooks wait for the database: %s", str(error).strip())
            connection.close()
        pause.wait(POLL_SECONDS)
    connection.close()
