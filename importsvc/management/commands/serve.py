"""``manage.py serve``: migrate the database, create a demo organization, and serve the API and the admin."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection, connections
from django.db.migrations.executor import MigrationExecutor

from importsvc.environment import variables as env
from importsvc.management.migrating import require_known_migrations
from importsvc.management.worker_processes import MALLOC, WorkerProcesses
from organizations.models import Organization
from people.authentication import find_token
from people.services import create_organization

DEMO_FILE = settings.VAR_DIR / "demo.json"

# The time that running requests have to finish when the service is stopped.
GRACE_SECONDS = 30

# The connections that a process holds at once: many fewer than the files that it may usually open.
CONNECTIONS = 500

EXAMPLES = """\
To try it, paste these lines into another terminal, one block after the other:

  API={api} ORGANIZATION={organization_id} TOKEN={token}
  api() {{ curl -sS "$@" -H "X-Auth-Token: $TOKEN" -H "X-Organization-Id: $ORGANIZATION" \\
    -H 'Content-Type: application/vnd.api+json'; echo; }}

  # 1. Create an import. The answer is shown, and its id kept in IMPORT.
  IMPORT=$(api $API/imports -d '{{"data": {{"type": "imports", "attributes": {{"import_data": {{
    "company": [{{"name": "Import"}}],
    "person": [{{"Company": "Import", "First Name": "John", "Last Name": "Doe",
                "Email": "john@mail.com", "Title": "Contact"}}]}}}}}}}}' |
    tee /dev/stderr | sed -n 's/^{{"data":{{[^{{]*"id":"\\([0-9]*\\)".*/\\1/p')

  # 2. Import it. From now on the company and the person are there.
  api $API/imports/$IMPORT/import -X POST

  # 3. List the people.
  api $API/people

  # 4. Revert it. The company and the person are gone.
  api $API/imports/$IMPORT/revert -X PATCH
"""

NO_DEMO = """\
The database has organizations. To create a token for a person:

  .venv/bin/python manage.py create_token --organization ID --email EMAIL
"""


class Command(BaseCommand):
    """Migrates, creates a demo organization in an empty database, and serves until it gets a stop signal."""

    help = "Migrate, create a demo organization in an empty database, and serve on HOST:PORT until Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve; exits with 0 after Ctrl-C or a TERM or HUP signal, otherwise with the exit code of gunicorn."""
        _on_stop_signals(lambda *_: sys.exit(0))
        # Before anything else: if the port is taken, the database is not touched.
        listener = _listen(env.HOST.read(), env.PORT.read())
        url = _url(listener)
        try:
            self._migrate()
            demo = _demo()
        except OperationalError as error:
            raise CommandError(f"The database cannot be used: {error}") from error
        finally:
            connections.close_all()
        service = Service(listener, _start_metrics())
        self.stdout.write(EXAMPLES.format(api=f"{url}/api/v2", **demo) if demo else NO_DEMO)
        self.stdout.write()
        self.stdout.write(self.style.SUCCESS(f"Listening at {url} – stop with Ctrl-C."))
        self.stdout.flush()
        sys.exit(service.wait())

    def _migrate(self) -> None:
        require_known_migrations(connection)
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if pending:
            call_command("migrate", verbosity=0, interactive=False)
            self.stdout.write(f"Migrated the database: {len(pending)} migrations applied.\n\n")


class Service:
    """The gunicorn processes, and workers beside them.

    After the first stop signal running requests and operations may finish; the second one ends them.
    """

    def __init__(self, listener: socket.socket, environment: Mapping[str, str]) -> None:
        """Start the processes, gunicorn on ``listener``, which is closed here, and handle the stop signals.

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
        command += ["--workers", str(env.WEB_CONCURRENCY.read()), "--graceful-timeout", str(GRACE_SECONDS)]
        command += ["--log-level", "warning", "--no-control-socket"]
        # They end with this process, also if it ends before it handles signals.
        self._workers = WorkerProcesses(settings.WORKERS)
        # In its own process group: Ctrl-C in the terminal then signals this process only.
        self._gunicorn = subprocess.Popen(  # noqa: S603 - no shell
            command,
            pass_fds=[listener.fileno()],
            process_group=0,
            env={**MALLOC, **os.environ, **environment, "THREADS": threads},
        )
        self._stopping = False
        _on_stop_signals(self._stop)
        listener.close()

    def wait(self) -> int:
        """Wait until gunicorn ends and the workers have; return gunicorn's exit code, or 0 after a stop signal."""
        while (code := self._poll()) is None:
            self._workers.restart_ended()
        self._workers.stop()
        self._workers.wait()
        # A signal that arrives before gunicorn handles signals kills it.
        return 0 if self._stopping and code == -signal.SIGTERM else code

    def _poll(self) -> int | None:
        try:
            return self._gunicorn.wait(1)
        except subprocess.TimeoutExpired:
            return None

    def _stop(self, _signal_number: int, _frame: FrameType | None) -> None:
        self._gunicorn.send_signal(signal.SIGQUIT if self._stopping else signal.SIGTERM)
        self._workers.stop()
        self._stopping = True


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


def _demo() -> dict[str, Any] | None:
    """The ids of the demo organization and its person, and a valid token; ``None`` if there is no demo organization.

    In an empty database the organization is created.
    """
    if not Organization.objects.exists():
        created = create_organization(name="Demo", email="demo@example.com", first_name="Demo", last_name="User")
        demo = {"organization_id": created.organization.pk, "person_id": created.person.pk, "token": created.token}
        # The next start prints the token again, and the database only has a hash of it.
        DEMO_FILE.parent.mkdir(parents=True, exist_ok=True)
        DEMO_FILE.unlink(missing_ok=True)
        DEMO_FILE.touch(mode=0o600)
        DEMO_FILE.write_text(json.dumps(demo))
        return demo
    try:
        demo = json.loads(DEMO_FILE.read_text())
        # The file may belong to another database.
        token = find_token(demo["token"])
        return demo if token and token.person.organization_id == demo["organization_id"] else None
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
