"""``manage.py distribute``: spread the organizations over the nodes of a cluster."""

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, connection, transaction

from importsvc.management.migrating import hold_migration_lock
from importsvc.management.output import OutputCommand, read_positive
from importsvc.postgres.citus.catalog import Node, can_reach, has_extension, is_coordinator, list_nodes
from importsvc.postgres.citus.distribution import SHARDS, UnsuitableTable, plan_distribution, plan_settings
from importsvc.postgres.citus.tenants import TenantTables, find_tenant_tables
from importsvc.postgres.transaction_limits import is_lock_timeout

_LOCK_TIMEOUT = "2s"


class Command(OutputCommand):
    """Distributes the tables in one transaction: all of them, or nothing. Prints what it did."""

    help = (
        "Spread the organizations over the nodes of a Citus cluster: each organization's rows are on one node."
        " DATABASE_URL names the database of the coordinator. A second run distributes tables that are not distributed"
        " yet, of which there are none normally. Stop the service before: the tables are locked while they are copied."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """``--dry-run`` and ``--shards``."""
        parser.add_argument("--dry-run", action="store_true", help="only print the statements")
        parser.add_argument(
            "--shards",
            type=read_positive,
            default=SHARDS,
            metavar="COUNT",
            help=f"parts of each table, {SHARDS} if not given: the cluster can grow to as many nodes",
        )

    def handle(self, *, dry_run: bool, shards: int, **_: Any) -> None:
        """Distribute the tables.

        Raises:
            CommandError: the database is not that of a coordinator with nodes, a node is down, migrations are missing,
                or other transactions use the tables. Nothing was changed.
        """
        tables = find_tenant_tables(apps.get_models(include_auto_created=True))
        nodes = _require_cluster()
        with hold_migration_lock(connection, on_wait=self._report_wait):
            statements = _plan(tables, shards)
            if statements and not dry_run:
                _run(tables, statements)
        document = {"dry_run": dry_run, "nodes": list(map(str, nodes)), "statements": statements}
        if dry_run:
            self.print_result(document, *(f"{statement};" for statement in statements))
        elif statements:
            self.print_result(
                document, f"Distributed {len(tables.records) + 1} tables over {_count(len(nodes), 'node')}."
            )
        else:
            self.print_result(document, "All tables are distributed already.")

    def _report_wait(self) -> None:
        self.stderr.write("Another process is migrating this database; waiting for it.")


def _require_cluster() -> list[Node]:
    if not has_extension(connection):
        raise CommandError(
            "The database does not have the extension citus. Install Citus's packages on each node, and run CREATE"
            " EXTENSION citus in this database on each of them (docs/scaling.md)."
        )
    if not is_coordinator(connection):
        raise CommandError("This server is not the coordinator of the cluster. DATABASE_URL must name the coordinator.")
    nodes = list_nodes(connection)
    if not nodes:
        raise CommandError("The cluster has no node for rows. Add one with SELECT citus_add_node('host', 5432).")
    for node in nodes:
        if not can_reach(connection, node):
            raise CommandError(f"The coordinator cannot connect to the node {node}. Nothing was changed.")
    return nodes


def _plan(tables: TenantTables, shards: int) -> list[str]:
    existing = set(connection.introspection.table_names())
    missing = sorted({tables.organizations, *tables.records} - existing)
    if missing:
        raise CommandError(f"The database has no table {missing[0]}. Run migrate first.")
    try:
        statements = plan_distribution(connection, tables, shards=shards)
    except UnsuitableTable as error:
        raise CommandError(f"{error} Nothing was changed.") from error
    return [*plan_settings(connection), *statements] if statements else []


def _run(tables: TenantTables, statements: Sequence[str]) -> None:
    names = ", ".join(map(connection.ops.quote_name, (tables.organizations, *tables.records)))
    try:
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_LOCK_TIMEOUT])
            # Also those that are distributed already: their writers could wait for a lock that is taken later.
            cursor.execute(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
            for statement in statements:
                cursor.execute(statement)
    except DatabaseError as error:
        if not is_lock_timeout(error):
            raise CommandError(f"{str(error).strip()}\nNothing was changed.") from error
        raise CommandError(
            "Other transactions use the tables, for example a worker that does an operation. Nothing was changed. Stop"
            " the service and its workers, and run distribute again."
        ) from error


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
