"""``manage.py work``: do queued operations."""

from __future__ import annotations

import argparse
import signal
import socket
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import OperationalError

from importsvc.management.command_help import ServiceCommand
from importsvc.management.worker_processes import WorkerProcesses
from importsvc.monitoring.reporting import start_reporting
from importsvc.operations.stopping import GRACE_SECONDS, STOP_SIGNALS, StopRequest
from importsvc.operations.worker import Worker, count_workers


class Command(ServiceCommand):
    """Does operations until it gets a stop signal; exits with 0 then."""

    help = (
        "Do queued operations until a stop signal. An operation that is running then has --grace seconds to finish;"
        " after that, or after a second signal, it is rolled back and queued again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """``--concurrency``, ``--grace`` and ``--check``."""
        parser.add_argument("--concurrency", type=int, default=1, help="the number of processes (default: 1)")
        parser.add_argument(
            "--grace",
            type=int,
            default=GRACE_SECONDS,
            metavar="SECONDS",
            help=f"seconds that a running operation has to finish after a stop signal (default: {GRACE_SECONDS})",
        )
        parser.add_argument(
            "--check", action="store_true", help="only say whether workers of this host are connected; exit 1 if not"
        )
        parser.add_argument("--parent", type=int, help=argparse.SUPPRESS)

    def handle(self, *, concurrency: int, grace: int, check: bool, parent: int | None, **_: Any) -> None:
        """Work, or check."""
        if concurrency < 1 or grace < 0:
            raise CommandError("--concurrency must be at least 1, and --grace at least 0.", returncode=2)
        if check:
            self._check()
            return
        if parent:
            stop = StopRequest(grace_seconds=grace)
            stop.install()
            start_reporting()
            Worker(stop, parent_id=parent).run()
            return
        processes = WorkerProcesses(concurrency, grace_seconds=grace)
        for signal_number in STOP_SIGNALS:
            signal.signal(signal_number, lambda *_: processes.stop())
        processes.run()

    def _check(self) -> None:
        try:
            count = count_workers(socket.gethostname())
        except OperationalError as error:
            raise CommandError(f"The database cannot be used: {error}") from error
        if not count:
            raise CommandError("No worker of this host is connected to the database.")
        self.stdout.write(f"{count} {'worker' if count == 1 else 'workers'} connected.")
