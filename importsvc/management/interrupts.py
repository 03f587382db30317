"""Ctrl-C ends any command with one sentence, also while it waits for PostgreSQL."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any

from psycopg2.extensions import TRANSACTION_STATUS_ACTIVE

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

EXIT_CODE = 128 + signal.SIGINT

# The seconds between two requests to end a statement.
_CANCEL_SECONDS = 0.1

_MESSAGE = "Interrupted. What was not committed is rolled back."

_has_arrived = threading.Event()
_is_handled = threading.Event()
_watched: list[BaseDatabaseWrapper] = []


def is_interrupted() -> bool:
    """Whether Ctrl-C was pressed: errors since then may be its consequence."""
    return _has_arrived.is_set()


def watch_statements(connection: BaseDatabaseWrapper) -> None:
    """Let Ctrl-C end the statement that this connection runs. Otherwise it is noticed when the statement has ended."""
    _watched.append(connection)


def run_interruptible(command: Callable[[], Any]) -> None:
    """Call the main function of a command.

    Ctrl-C raises ``KeyboardInterrupt``, and ends a watched statement with an error. Whatever exception leaves the
    function then, the process exits with ``EXIT_CODE`` and one sentence on standard error. A command may handle the
    signal itself instead.
    """
    arrived, arrive = os.pipe()
    os.set_blocking(arrive, False)
    signal.signal(signal.SIGINT, _interrupt)
    # Python calls handlers in the main thread, which may be waiting for a statement: a thread ends that.
    signal.set_wakeup_fd(arrive, warn_on_full_buffer=False)
    threading.Thread(target=_cancel_statements, args=[arrived], name="importsvc-interrupts", daemon=True).start()
    try:
        command()
    except BaseException as error:
        if not is_interrupted() or (isinstance(error, SystemExit) and not error.code):
            raise
        sys.stderr.write(f"\n{_MESSAGE}\n")
        sys.exit(EXIT_CODE)


def _interrupt(signal_number: int, frame: FrameType | None) -> None:
    is_first = not _is_handled.is_set()
    _has_arrived.set()
    _is_handled.set()
    # The driver prints a traceback if the function that it reads rows of a COPY from raises an exception.
    if is_first and any(map(_is_active, _watched)):
        return
    signal.default_int_handler(signal_number, frame)


def _is_active(connection: BaseDatabaseWrapper) -> bool:
    driver_connection = connection.connection
    return bool(driver_connection and driver_connection.info.transaction_status == TRANSACTION_STATUS_ACTIVE)


def _cancel_statements(arrived: int) -> None:
    while signal.SIGINT not in os.read(arrived, 64):
        pass
    # A command that handles the signal itself ends by itself. Otherwise each statement from now on is ended: the
    # request may come just before the statement that it is meant for, which PostgreSQL then does not end.
    while signal.getsignal(signal.SIGINT) is _interrupt:
        _has_arrived.set()
        for connection in _watched:
            with suppress(Exception):  # it is not open, or no longer
                connection.connection.cancel()
        time.sleep(_CANCEL_SECONDS)
