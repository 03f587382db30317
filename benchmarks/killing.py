"""Workers are killed while they do operations, and each is done exactly once: ``python -m benchmarks.killing``.

The service's promise, not its speed: the suite runs a smaller one (``tests/operations/test_killing.py``).
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil

ROOT: Final = Path(__file__).resolve().parent.parent
BROKER: Final = "amqp://guest:guest@127.0.0.1:5672//"
QUEUE: Final = "importsvc-benchmarks"

# One kill in so many is of the parent of the worker as well, as if the host was lost.
_HOST_EVERY = 5

# It may finish: after it, the operation fails.
_LAST_ATTEMPT = 3

# Each transaction that finishes an operation or changes the state of an import leaves a row here.
_WITNESS = """
CREATE TABLE witness (what text NOT NULL, id bigint NOT NULL);
CREATE FUNCTION witness() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN INSERT INTO witness VALUES (TG_ARGV[0], NEW.id); RETURN NULL; END';
CREATE TRIGGER witness_finish AFTER UPDATE ON operations_operation FOR EACH ROW
  WHEN (NEW.status <> 'queued') EXECUTE FUNCTION witness('finished');
CREATE TRIGGER witness_run AFTER UPDATE ON imports_import FOR EACH ROW
  WHEN (OLD.processed_at IS NULL AND NEW.processed_at IS NOT NULL) EXECUTE FUNCTION witness('processed');
CREATE TRIGGER witness_revert AFTER UPDATE ON imports_import FOR EACH ROW
  WHEN (OLD.reverted_at IS NULL AND NEW.reverted_at IS NOT NULL) EXECUTE FUNCTION witness('reverted');
"""
_NO_WITNESS = """
DROP TRIGGER witness_finish ON operations_operation;
DROP TRIGGER witness_run ON imports_import;
DROP TRIGGER witness_revert ON imports_import;
DROP FUNCTION witness();
DROP TABLE witness;
"""

# Operations that run: the process that does the work, and the attempt.
_RUNNING = """
SELECT worker, attempts FROM operations_progress AS progress
  JOIN operations_operation AS operation ON operation.organization_id = progress.organization_id
    AND operation.id = progress.operation_id
  WHERE status = 'queued' AND backend_pid IS NOT NULL
"""

# Imports whose records and changes are not all there, or not all gone.
_HALF_DONE = """
SELECT import.id FROM imports_import AS import
  WHERE (SELECT count(*) FROM people_person AS person WHERE person.organization_id = import.organization_id
      AND starts_with(person.email, 'n' || import.import_model_id || '-'))
    <> CASE WHEN processed_at IS NOT NULL AND reverted_at IS NULL THEN %(people)s ELSE 0 END
  OR (SELECT count(*) FROM changelog_anychange AS change WHERE change.organization_id = import.organization_id
      AND change.import_id = import.id)
    <> CASE WHEN processed_at IS NULL THEN 0 ELSE %(people)s + %(companies)s END
"""


@dataclass(frozen=True)
class Sizes:
    """How much is queued and killed.

    Attributes:
        organizations: that the operations belong to.
        imports: of each organization.
        reverts: of so many of these imports.
        people: of each import.
        kills: in all.
        workers: processes that do operations.
        outage_seconds: for which RabbitMQ is stopped in the middle; 0 for none.
        longest_seconds: after which the rest counts as lost.
    """

    organizations: int
    imports: int
    reverts: int
    people: int
    kills: int
    workers: int
    outage_seconds: int = 0
    longest_seconds: int = 1200


@dataclass
class Outcome:
    """What became of the operations: of the first four all, of the others none should be more than 0."""

    operations: int = 0
    succeeded: int = 0
    kills: int = 0
    seconds: float = 0
    attempts: int = 0
    lost: int = 0
    twice: int = 0
    half_done: int = 0
    failed: list[object] = field(default_factory=list)


@dataclass
class Engine:
    """A command that does operations, in one or more processes with children, which are started again.

    ``{name}`` in the command is replaced by another name for each process.
    """

    command: list[str]
    count: int
    environment: Mapping[str, str]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def restart_ended(self) -> None:
        """Start those that have ended."""
        self.processes = [process for process in self.processes if process.poll() is None]
        while len(self.processes) < self.count:
            # RabbitMQ accepts one worker of Celery with a name.
            command = [part.format(name=secrets.token_hex(4)) for part in self.command]
            self.processes.append(subprocess.Popen(command, cwd=ROOT, env=self.environment))

    def find_children(self) -> dict[int, psutil.Process]:
        """The parents of the processes that do the work, by the ids of these: no other process is ever killed."""
        parents = [psutil.Process(process.pid) for process in self.processes if process.poll() is None]
        return {child.pid: parent for parent in parents for child in parent.children()}

    def stop(self) -> None:
        """End them and wait."""
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            process.wait(60)


def make_work(workers: int, environment: Mapping[str, str]) -> Engine:
    """``manage.py work``."""
    return Engine([sys.executable, "manage.py", "work", "--concurrency", str(workers)], 1, environment)


def make_celery(workers: int, environment: Mapping[str, str]) -> Engine:
    """Celery, with two processes to a worker."""
    command = [sys.executable, "-m", "celery", "-A", "importsvc", "worker", "--concurrency", str(min(workers, 2))]
    return Engine([*command, "--loglevel", "ERROR", "--hostname", "{name}@%h"], max(workers // 2, 1), environment)


def run(engine: Engine, sizes: Sizes, *, seed: int) -> Outcome:
    """Queue operations, kill workers that do them, wait until all are done, and count."""
    outcome, chance, started = Outcome(), random.Random(seed), time.monotonic()
    with _witness():
        tenants = _make_imports(sizes)
        half = sizes.imports // 2 if sizes.outage_seconds else sizes.imports
        outcome.operations += _queue(tenants, sizes, 0, half)
        try:
            engine.restart_ended()
            _kill(engine, sizes.kills // 2, chance, outcome, started + sizes.longest_seconds)
            with _outage(sizes.outage_seconds):
                # Their messages are lost. Workers that are killed are not woken again before the end of the outage.
                outcome.operations += _queue(tenants, sizes, half, sizes.imports)
                if sizes.outage_seconds:
                    _kill(engine, sizes.kills * 3 // 4, chance, outcome, time.monotonic() + sizes.outage_seconds)
            _kill(engine, sizes.kills, chance, outcome, started + sizes.longest_seconds)
            while _count_queued() and time.monotonic() < started + sizes.longest_seconds:
                engine.restart_ended()
                time.sleep(0.1)
        finally:
            engine.stop()
        outcome.seconds = time.monotonic() - started
        _count(outcome, sizes)
    return outcome


def _kill(engine: Engine, kills: int, chance: random.Random, outcome: Outcome, deadline: float) -> None:
    """Kill workers in the middle of operations until so many have been killed, or none is queued."""
    while outcome.kills < kills and time.monotonic() < deadline and _count_queued():
        time.sleep(chance.uniform(0, 0.4))
        engine.restart_ended()
        with suppress(psutil.NoSuchProcess):
            parents = engine.find_children()
            attempts = {process_id: attempt for process_id, attempt in _find_running() if process_id in parents}
            running = [process_id for process_id, attempt in attempts.items() if attempt < _LAST_ATTEMPT]
            if not running:
                continue
            victim = chance.choice(running)
            is_host = outcome.kills % _HOST_EVERY == _HOST_EVERY - 1 and len(running) == len(attempts)
            others = [parents[victim], *parents[victim].children()] if is_host else []
            psutil.Process(victim).kill()
            outcome.kills += 1
            for each in others:
                with suppress(psutil.NoSuchProcess):
                    each.kill()


def _find_running() -> list[tuple[int, int]]:
    """The processes that do operations, or did when they were killed, and the attempts."""
    host = f"{socket.gethostname()}:"
    return [(int(worker.removeprefix(host)), attempt) for worker, attempt in _execute(_RUNNING)]


@contextmanager
def _outage(seconds: int) -> Iterator[None]:
    """RabbitMQ stopped for so many seconds, if any."""
    if not seconds:
        yield
        return
    subprocess.run(["rabbitmqctl", "-q", "stop_app"], check=True)
    started = time.monotonic()
    try:
        yield
        time.sleep(max(seconds - (time.monotonic() - started), 0))
    finally:
        subprocess.run(["rabbitmqctl", "-q", "start_app"], check=True)


@contextmanager
def _witness() -> Iterator[None]:
    _execute(_WITNESS)
    try:
        yield
    finally:
        _execute(_NO_WITNESS)


def _make_imports(sizes: Sizes) -> list[tuple[object, list[int]]]:
    """Organizations, each with the ids of its imports."""
    from benchmarks.rows import make_rows
    from importsvc.imports import services
    from people.services import create_organization

    made: list[tuple[object, list[int]]] = []
    for number in range(sizes.organizations):
        created = create_organization(
            name=f"Killing {number}", email=f"ada@{number}.test", first_name="Ada", last_name="Lovelace"
        )
        imports = [
            services.create_import(
                organization=created.organization,
                creator=created.person,
                import_data=make_rows(sizes.people, prefix=f"N{each}-"),
                import_model_id=each,
            ).pk
            for each in range(1, sizes.imports + 1)
        ]
        made.append((created, imports))
    return made


def _queue(tenants: list[tuple[object, list[int]]], sizes: Sizes, first: int, end: int) -> int:
    """Queue a part of the imports of each organization, each followed by its revert if it has one."""
    from importsvc.imports import services
    from importsvc.operations.models import Kind
    from people.services import NewOrganization

    count = 0
    for number in range(first, end):
        for tenant, imports in tenants:
            assert isinstance(tenant, NewOrganization)
            kinds = [Kind.IMPORT, Kind.REVERT] if number < sizes.reverts else [Kind.IMPORT]
            for kind in kinds:
                services.queue_operation(
                    organization=tenant.organization, creator=tenant.person, kind=kind, import_id=imports[number]
                )
                count += 1
    return count


def _count_queued() -> int:
    return int(_execute("SELECT count(*) FROM operations_operation WHERE status = 'queued'")[0][0])


def _count(outcome: Outcome, sizes: Sizes) -> None:
    def ask(sql: str) -> int:
        return int(_execute(sql)[0][0])

    outcome.lost = _count_queued()
    outcome.succeeded = ask("SELECT count(*) FROM operations_operation WHERE status = 'succeeded'")
    outcome.attempts = ask("SELECT coalesce(sum(attempts), 0) FROM operations_progress")
    outcome.twice = ask("SELECT count(*) FROM (SELECT FROM witness GROUP BY what, id HAVING count(*) > 1) AS again")
    outcome.failed = [
        errors
        for status, errors in _execute("SELECT status, errors FROM operations_operation")
        if status not in ("queued", "succeeded")
    ]
    parameters = {"people": sizes.people, "companies": max(sizes.people // 10, 1)}
    outcome.half_done = len(_execute(_HALF_DONE, parameters))


def _execute(sql: str, parameters: dict[str, int] | None = None) -> list[tuple[Any, ...]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


ENGINES: Final[Mapping[str, Callable[[int, Mapping[str, str]], Engine]]] = {"work": make_work, "celery": make_celery}


def main() -> None:
    """Kill workers of one engine, or of each, and print what became of the operations."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.killing", description=__doc__)
    parser.add_argument("--engine", choices=list(ENGINES), required=True)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--people", type=int, default=3_000, help="of each import")
    parser.add_argument("--outage", type=int, default=60, help="seconds without RabbitMQ, for Celery")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    is_celery = options.engine == "celery"

    from benchmarks.session import open_session

    with open_session({"CELERY_BROKER_URL": BROKER, "CELERY_QUEUE": QUEUE} if is_celery else {}):
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        sizes = Sizes(
            organizations=4,
            imports=30,
            reverts=20,
            people=options.people,
            kills=options.kills,
            workers=4,
            outage_seconds=options.outage if is_celery else 0,
        )
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "importsvc.settings", "PGAPPNAME": ""}
        outcome = run(ENGINES[options.engine](sizes.workers, environment), sizes, seed=options.seed)
    print(outcome)
    if outcome.succeeded != outcome.operations or outcome.twice or outcome.half_done:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
