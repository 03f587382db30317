"""The statements that distribute tables by the organization.

A unique constraint of a distributed table must include the column by which it is distributed, so a key without the
organization gets it in front. Foreign keys of the tables are dropped before, and added again as they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper

from importsvc.postgres.citus.catalog import read
from importsvc.postgres.citus.tenants import COLUMN, TenantTables

# Citus's default. Each part of a table is on one of the nodes, so a cluster can grow to as many nodes.
SHARDS = 32


class UnsuitableTable(Exception):
    """A table cannot be distributed; the message says why."""


class _Constraint(NamedTuple):
    """A constraint of a table. The names are quoted; the kind is that of ``pg_constraint.contype``."""

    table: str
    name: str
    kind: str
    columns: tuple[str, ...]
    definition: str

    def drop(self) -> str:
        return f"ALTER TABLE {self.table} DROP CONSTRAINT {self.name}"

    def add(self, definition: str = "") -> str:
        return f"ALTER TABLE {self.table} ADD CONSTRAINT {self.name} {definition or self.definition}"


def plan_distribution(connection: BaseDatabaseWrapper, tables: TenantTables, *, shards: int = SHARDS) -> list[str]:
    """The statements that distribute those of the tables that are not distributed yet, to run in one transaction.

    Args:
        connection: to a database with the extension and all of the tables.
        tables: which ones.
        shards: the number of parts of each table, if the organizations are not distributed yet.

    Raises:
        UnsuitableTable: a unique index, which is not a constraint, does not include the organization.
    """
    sql = "SELECT relname::text FROM pg_dist_partition JOIN pg_class ON pg_class.oid = logicalrelid"
    distributed = {name for (name,) in read(connection, sql)}
    missing = [name for name in (tables.organizations, *tables.records) if name not in distributed]
    if not missing:
        return []
    quote = connection.ops.quote_name
    root, names = quote(tables.organizations), list(map(quote, missing))
    _require_unique_indexes(connection, [name for name in names if name != root])
    constraints = _read_constraints(connection, names)
    keys = [each for each in constraints if each.kind == "f"]
    return [
        # The foreign keys between them need one connection to each node.
        "SET LOCAL citus.multi_shard_modify_mode = 'sequential'",
        *(key.drop() for key in keys),
        *(statement for name in names if name != root for statement in _plan_keys(name, constraints)),
        *(_distribute(name, root, shards) for name in names),
        *(key.add() for key in keys),
        *(f"SELECT truncate_local_data_after_distributing_table('{name}')" for name in names),
    ]


def plan_settings(connection: BaseDatabaseWrapper) -> list[str]:
    """The statements that give the database the settings that the service needs on a cluster."""
    name = connection.ops.quote_name(str(connection.settings_dict["NAME"]))
    wanted = {
        # Limits of a transaction, such as lock_timeout, hold on the nodes as well.
        "citus.propagate_set_commands": "local",
        # A migration may alter several tables in its transaction.
        "citus.multi_shard_modify_mode": "sequential",
        # The progress of an operation is written through one connection to a node, by which it is seen to run.
        "citus.max_cached_connection_lifetime": "-1",
    }
    return [f"ALTER DATABASE {name} SET {setting} = '{value}'" for setting, value in wanted.items()]


def _distribute(table: str, root: str, shards: int) -> str:
    if table == root:
        return f"SELECT create_distributed_table('{table}', 'id', shard_count => {shards})"
    return f"SELECT create_distributed_table('{table}', '{COLUMN}', colocate_with => '{root}')"


def _plan_keys(table: str, constraints: Iterable[_Constraint]) -> Iterator[str]:
    """Put the organization in front of unique constraints that do not have it.

    A primary key takes the place of the unique constraint with the same columns, and its name: one index is enough.
    """
    unique = [each for each in constraints if each.table == table and each.kind in "pu"]
    for key in unique:
        if COLUMN in key.columns:
            continue
        columns = (COLUMN, *key.columns)
        written = ", ".join(f'"{column}"' for column in columns)
        yield key.drop()
        if key.kind == "u":
            yield key.add(f"UNIQUE ({written})")
            continue
        same = next((each for each in unique if each.kind == "u" and each.columns == columns), None)
        if same:
            yield same.drop()
        yield (same or key).add(f"PRIMARY KEY ({written})")


def _read_constraints(connection: BaseDatabaseWrapper, tables: Sequence[str]) -> list[_Constraint]:
    """The unique constraints of these tables, and the foreign keys from or to them."""
    sql = (
        "SELECT relname::text, conname::text, contype::text,"
        " ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS key (number, position)"
        "       JOIN pg_attribute ON attrelid = conrelid AND attnum = number ORDER BY position),"
        " pg_get_constraintdef(pg_constraint.oid)"
        " FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid"
        " WHERE contype IN ('p', 'u') AND conrelid = ANY(%s::regclass[])"
        " OR contype = 'f' AND (conrelid = ANY(%s::regclass[]) OR confrelid = ANY(%s::regclass[]))"
        " ORDER BY relname, conname"
    )
    quote, names = connection.ops.quote_name, list(tables)
    return [
        _Constraint(quote(table), quote(name), kind, tuple(columns), definition)
        for table, name, kind, columns, definition in read(connection, sql, [names, names, names])
    ]


def _require_unique_indexes(connection: BaseDatabaseWrapper, tables: Sequence[str]) -> None:
    sql = (
        "SELECT indexrelid::regclass::text, indrelid::regclass::text FROM pg_index"
        " WHERE indisunique AND indrelid = ANY(%s::regclass[])"
        " AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)"
        " AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = indrelid AND attname = %s"
        "                 AND attnum = ANY(indkey::smallint[])) ORDER BY 1"
    )
    for index, table in read(connection, sql, [list(tables), COLUMN]):
        raise UnsuitableTable(f"The unique index {index} of {table} does not include {COLUMN}.")
