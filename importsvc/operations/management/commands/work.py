"""``manage.py work``: do queued operations."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from importsvc.operations.worker import GRACE_SECONDS, Worker, count_workers

# The seconds before a process that ended is started again.
_RESTART_SECONDS = 1.0

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Command(BaseCommand):
    """Does operations until it gets a stop signal; exits with 0 then."""

    help = (
        "Do queued operations until a stop signal. An operation that is running then has --grace seconds to finish;"
        " after that it is rolled back and queued again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """``--concurrency``, ``--grace`` and ``--check``."""
        parser.add_argument("--concurrency", type=int, default=1, help="the number of processes (default: 1)")
        parser.add_argument("--grace", type=int, default=GRACE_SECONDS, help=f"seconds (default: {GRACE_SECONDS})")
        parser.add_argument(
            "--check", action="store_true", help="only say whether workers of this host are connected; exit 1 if not"
        )

    def handle(self, *, concurrency: int, grace: int, check: bool, **_: Any) -> None:
        """Work, or check."""
        if concurrency < 1 or grace < 0:
            raise CommandError("--concurrency must be at least 1, and --grace at least 0.")
        if check:
            self._check()
        elif concurrency == 1:
            worker = Worker(grace_seconds=grace)
            for signal_number in _STOP_SIGNALS:
                signal.signal(signal_number, worker.stop)
            worker.run()
        else:
            _Processes([sys.executable, sys.argv[0], "work", "--grace", str(grace)], concurrency).run()

    def _check(self) -> None:
        try:
            count = count_workers(socket.gethostname())
        except OperationalError as error:
            raise CommandError(f"The database cannot be used: {error}") from error
        if not count:
            raise CommandError("No worker of this host is connected to the database.")
        self.stdout.write(f"{count} {'worker' if count == 1 else 'workers'} connected.")


class _Processes:
    """Worker processes, each of which is started again when it ends."""

    def __init__(self, command: list[str], count: int) -> None:
        self._command = command
        self._stopping = False
        self._processes = [self._start() for _ in range(count)]
        for signal_number in _STOP_SIGNALS:
            signal.signal(signal_number, self._stop)

    def run(self) -> None:
        """Until all have ended after a stop signal."""
        while any(process.poll() is None for process in self._processes):
            time.sleep(_RESTART_SECONDS)
            for index, process in enumerate(self._processes):
                if process.poll() is not None and not self._stopping:
                    self._processes[index] = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        # In its own process group: Ctrl-C in the terminal signals this process only, which passes it on.
        return subprocess.Popen(self._command, process_group=0, env=os.environ)  # noqa: S603 - no shell

    def _stop(self, _signal_number: int, _frame: Any) -> None:
        self._stopping = True
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
