"""Databases of a Citus cluster: on each of its servers one with the same name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg2

# To drop a database that another process connects to meanwhile; each waits five seconds for it.
_ATTEMPTS = 5


def list_servers(parameters: Mapping[str, Any]) -> list[tuple[str, int]]:
    """The host and port of the coordinator of this database and of the nodes; empty if it is not in a cluster."""
    sql = (
        "SELECT nodename, nodeport FROM pg_dist_node WHERE noderole = 'primary'"
        " AND EXISTS (SELECT FROM pg_dist_local_group WHERE groupid = 0) ORDER BY groupid"
    )
    known = run(parameters, "SELECT 1 FROM pg_extension WHERE extname = 'citus'")
    return [(host, port) for host, port in run(parameters, sql)] if known else []


def create_cluster_database(parameters: Mapping[str, Any], name: str, servers: Sequence[tuple[str, int]]) -> None:
    """Create an empty database on all servers, of which the first is the coordinator; replace one that is there.

    ``parameters`` are those of a connection to any database of the coordinator.
    """
    for host, port in servers:
        place = {**parameters, "host": host, "port": port}
        drop_database(place, name)
        run({**place, "dbname": "postgres"}, f'CREATE DATABASE "{name}" TEMPLATE template0')
        run({**place, "dbname": name}, "CREATE EXTENSION citus")
    (host, port), *nodes = servers
    coordinator = {**parameters, "host": host, "port": port, "dbname": name}
    run(coordinator, "SELECT citus_set_coordinator_host(%s, %s)", [host, port])
    for node in nodes:
        run(coordinator, "SELECT citus_add_node(%s, %s)", node)


def drop_database(parameters: Mapping[str, Any], name: str) -> None:
    """Drop a database of one server, if it is there."""
    # Citus's background process of the database comes back while it can.
    for attempt in range(_ATTEMPTS):
        try:
            run({**parameters, "dbname": "postgres"}, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            return
        except psycopg2.errors.ObjectInUse:
            if attempt == _ATTEMPTS - 1:
                raise


def run(parameters: Mapping[str, Any], sql: str, arguments: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """The rows of a statement, in autocommit mode."""
    connection = psycopg2.connect(**{**parameters, "cursor_factory": None})
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql, arguments)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()
