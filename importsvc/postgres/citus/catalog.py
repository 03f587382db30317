"""What Citus's catalog says of a database (its manual, "Citus Tables and Views")."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper


class Node(NamedTuple):
    """A node that may have rows of organizations."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def has_extension(connection: BaseDatabaseWrapper) -> bool:
    """Whether the database has the extension."""
    return bool(read(connection, "SELECT 1 FROM pg_extension WHERE extname = 'citus'"))


def is_distributed(connection: BaseDatabaseWrapper, table: str) -> bool:
    """Whether the table, whose name is not quoted, is distributed; an ordinary database has no such table."""
    if not has_extension(connection):
        return False
    quoted = connection.ops.quote_name(table)
    return bool(read(connection, "SELECT 1 FROM pg_dist_partition WHERE logicalrelid = to_regclass(%s)", [quoted]))


def is_coordinator(connection: BaseDatabaseWrapper) -> bool:
    """Whether the server knows the nodes of the cluster; the others only have rows."""
    return bool(read(connection, "SELECT 1 FROM pg_dist_local_group WHERE groupid = 0"))


def list_nodes(connection: BaseDatabaseWrapper) -> list[Node]:
    """The nodes that have rows of organizations, or will have them."""
    sql = (
        "SELECT nodename, nodeport FROM pg_dist_node"
        " WHERE isactive AND shouldhaveshards AND noderole = 'primary' ORDER BY nodeid"
    )
    return [Node(*row) for row in read(connection, sql)]


def can_reach(connection: BaseDatabaseWrapper, node: Node) -> bool:
    """Whether the coordinator can connect to the node."""
    return bool(read(connection, "SELECT citus_check_connection_to_node(%s, %s)", node)[0][0])


def read(connection: BaseDatabaseWrapper, sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()
