"""``manage.py serve``: migrate the database, create a demo organization, and serve the API and the admin."""

import argparse
import errno
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import OperationalError, connection, connections
from django.db.migrations.executor import MigrationExecutor

from importsvc.environment import variables as env
from importsvc.management.command_help import ServiceCommand
from importsvc.management.demo import prepare_demo
from importsvc.management.migrating import require_known_migrations
from importsvc.management.parents import make_end_with_parent
from importsvc.management.worker_processes import MALLOC, WorkerProcesses
from importsvc.server.draining import refuse_connections

# The time that running requests have to finish when the service is stopped.
GRACE_SECONDS = 30

# The connections that a process holds at once: many fewer than the files that it may usually open.
CONNECTIONS = 500

logger = logging.getLogger("importsvc.serve")


class Command(ServiceCommand):
    """Migrates, creates a demo organization in an empty database of its own, and serves until it gets a stop signal."""

    help = "Serve the API and the admin on HOST:PORT, and do queued operations, until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        """``--no-migrate``, ``--demo``, ``--no-demo`` and ``--grace``."""
        parser.add_argument(
            "--no-migrate",
            action="store_true",
            help="do not migrate the database, and refuse one on which migrate was not run",
        )
        parser.add_argument(
            "--demo",
            action=argparse.BooleanOptionalAction,
            help="create a demo organization in an empty database, and print its token"
            " (default: only if DATABASE_URL is not set)",
        )
        parser.add_argument(
            "--grace",
            type=int,
            default=GRACE_SECONDS,
            metavar="SECONDS",
            help="seconds that running requests and operations have to finish after a stop signal"
            f" (default: {GRACE_SECONDS})",
        )

    def handle(self, *, no_migrate: bool, demo: bool | None, grace: int, **_: Any) -> None:
        """Serve; exits with 0 after Ctrl-C or a TERM signal, otherwise with the exit code of gunicorn."""
        if grace < 0:
            raise CommandError("--grace must be at least 0.", returncode=2)
        _on_stop_signals(lambda *_: sys.exit(0))
        # Before anything else: if the port is taken, the database is not touched.
        listener = _listen(env.HOST.read(), env.PORT.read())
        url = _url(listener)
        is_embedded = connection.settings_dict["ENGINE"] == "importsvc.postgres.embedded"
        try:
            self._migrate(is_allowed=not no_migrate)
            text = prepare_demo(api=f"{url}/api/v2", is_wanted=is_embedded if demo is None else demo)
        except OperationalError as error:
            raise CommandError(f"The database cannot be used: {error}") from error
        finally:
            connections.close_all()
        service = Service(listener, _start_metrics(), grace_seconds=grace)
        if text:
            self.stdout.write(text)
            self.stdout.write()
        self.stdout.write(self.style.SUCCESS(f"Listening at {url} – stop with Ctrl-C."))
        self.stdout.flush()
        code = service.wait()
        self.stdout.write("Stopped.")
        sys.exit(code)

    def _migrate(self, *, is_allowed: bool) -> None:
        require_known_migrations(connection)
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if not pending:
            return
        if not is_allowed:
            raise CommandError(f"The database lacks {len(pending)} migrations: run manage.py migrate first.")
        call_command("migrate", verbosity=0, interactive=False)
        self.stdout.write(f"Migrated the database: {len(pending)} migrations applied.\n\n")


class Service:
    """The gunicorn processes, and workers beside them.

    After the first stop signal running requests and operations may finish; the second one ends them. SIGHUP starts all
    processes again, one set after the other, so that the service goes on; in a terminal it is a stop signal, because it
    means that the terminal was closed.
    """

    def __init__(self, listener: socket.socket, environment: Mapping[str, str], *, grace_seconds: int) -> None:
        """Start the processes, gunicorn on ``listener``, and handle the signals.

        gunicorn's environment also has ``environment``.
        """
        command = [sys.executable, "-m", "gunicorn", "importsvc.wsgi:application"]
        command += ["--config", str(settings.BASE_DIR / "gunicorn.conf.py")]
        command += ["--pythonpath", str(settings.BASE_DIR), "--bind", f"fd://{listener.fileno()}"]
        threads = str(env.THREADS.read() or 4)
        command += ["--worker-class", "importsvc.server.worker.Worker", "--threads", threads]
        # The worker limits the head of a request as a whole. gunicorn itself trusts no proxy.
        command += ["--worker-connections", str(CONNECTIONS)]
        command += ["--limit-request-line", "0", "--forwarded-allow-ips", "", "--http-parser", "python"]
        command += ["--graceful-timeout", str(grace_seconds)]
        command += ["--log-level", "warning", "--no-control-socket"]
        # They end with this process, also if it ends before it handles signals.
        self._workers = WorkerProcesses(settings.WORKERS, grace_seconds=grace_seconds)
        # In its own process group: Ctrl-C in the terminal then signals this process only.
        # If this process is killed, gunicorn ends at once: the next start needs its port.
        self._gunicorn = subprocess.Popen(  # noqa: S603 - no shell
            command,
            pass_fds=[listener.fileno()],
            process_group=0,
            preexec_fn=make_end_with_parent(signal.SIGQUIT),
            # gunicorn reads the number of processes from there itself, and ends if it is empty.
            env={
                **MALLOC,
                **os.environ,
                **environment,
                "THREADS": threads,
                "WEB_CONCURRENCY": str(env.WEB_CONCURRENCY.read()),
            },
        )
        self._grace_seconds = grace_seconds
        self._stopped_at: float | None = None
        _on_stop_signals(self._stop)
        if not os.isatty(0):
            signal.signal(signal.SIGHUP, self._reload)
        self._listener = listener

    def wait(self) -> int:
        """Wait until gunicorn ends and the workers have; return gunicorn's exit code, or 0 after a stop signal."""
        while (code := self._poll()) is None:
            self._workers.restart_ended()
        if self._stopped_at and time.monotonic() - self._stopped_at >= self._grace_seconds:
            logger.warning("Requests that still ran %s seconds after the stop signal were cut off", self._grace_seconds)
        self._workers.stop()
        self._workers.wait()
        # A signal that arrives before gunicorn handles signals kills it.
        return 0 if self._stopped_at and code == -signal.SIGTERM else code

    def _poll(self) -> int | None:
        try:
            return self._gunicorn.wait(1)
        except subprocess.TimeoutExpired:
            return None

    def _stop(self, _signal_number: int, _frame: FrameType | None) -> None:
        if not self._stopped_at:
            refuse_connections(self._listener)
            self._listener.close()
        self._gunicorn.send_signal(signal.SIGQUIT if self._stopped_at else signal.SIGTERM)
        self._workers.stop()
        self._stopped_at = self._stopped_at or time.monotonic()

    def _reload(self, _signal_number: int, _frame: FrameType | None) -> None:
        if not self._stopped_at:
            self._gunicorn.send_signal(signal.SIGHUP)
            self._workers.replace()


def _on_stop_signals(handler: Callable[[int, FrameType | None], Any]) -> None:
    for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signal_number, handler)


def _listen(host: str, port: int) -> socket.socket:
    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        # Accepted connections inherit it. Without it, a response that is sent in two parts waits 40 ms between them.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except (OSError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise CommandError(f"Port {port} is taken: stop what listens there, or set PORT to another.") from error
        raise CommandError(f"Cannot listen on HOST {host}, PORT {port}: {error}") from error


def _start_metrics() -> Mapping[str, str]:
    """Serve metrics if ``METRICS_PORT`` is set; returns what the processes have in their environment to count."""
    port = env.METRICS_PORT.read()
    if port is None:
        return {}
    # Not before it is needed: it takes a while.
    from importsvc.monitoring.exporter import start_exporter

    folder = settings.VAR_DIR / f"metrics-{port}"
    try:
        start_exporter(host=env.HOST.read(), port=port, folder=folder)
    except OSError as error:
        raise CommandError(f"METRICS_PORT {port} cannot be used: {error.strerror}.") from error
    return {"PROMETHEUS_MULTIPROC_DIR": str(folder.absolute())}


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
