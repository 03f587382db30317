"""The baseline of imports: nothing but COPY, of the very rows, into tables with the product's indexes and keys."""

from __future__ import annotations

import time
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from importsvc.postgres.key_triggers import KeyTriggers
from importsvc.postgres.statement_keys import find_statement_keys

from benchmarks.database import RECORD_TABLES, clear_records, connect, execute, last_kept_id, settle
from benchmarks.memory import watch_private_peak

# Copies of the product's tables: with each of their keys as a plain foreign key, as Django makes it, and with the keys
# as the product has them, checked once for a statement.
FOREIGN_KEYS = tuple(f"bench_{table}" for table in RECORD_TABLES)
STATEMENT_KEYS = tuple(f"bench_statement_{table}" for table in RECORD_TABLES)

Copies = tuple[str, ...]
Text = dict[str, bytes]


def make_tables() -> None:
    """Make the copies: columns, defaults, checks and indexes of the product's tables, and the demo's rows."""
    for copies in (FOREIGN_KEYS, STATEMENT_KEYS):
        for table, copy in zip(RECORD_TABLES, copies, strict=True):
            columns = _columns(table)
            execute(f"CREATE TABLE {copy} (LIKE {table} INCLUDING ALL)")
            execute(f"INSERT INTO {copy} ({columns}) SELECT {columns} FROM {table} WHERE id <= {last_kept_id(table)}")
        for key in _find_keys(copies):
            if copies is STATEMENT_KEYS:
                execute(key.create())
            else:
                own, there = zip(*key.columns, strict=True)
                execute(
                    f"ALTER TABLE {key.table} ADD CONSTRAINT {key.name} FOREIGN KEY ({', '.join(own)})"
                    f" REFERENCES {key.referred} ({', '.join(there)}) DEFERRABLE INITIALLY DEFERRED"
                )
        execute(f"VACUUM ANALYZE {', '.join(copies)}")


def _find_keys(copies: Copies) -> Iterator[KeyTriggers]:
    """The keys that the product's tables have, for copies of them."""
    copy_of = dict(zip(RECORD_TABLES, copies, strict=True))
    for model, key in find_statement_keys():
        if copy := copy_of.get(model._meta.db_table):
            referred = key.get_referred(model)._meta.db_table
            yield KeyTriggers(f"bench_{key.name}", copy, key.get_columns(model), copy_of.get(referred, referred))


def read_rows() -> Text:
    """What imports have made, as COPY text by table of the product."""
    text = {}
    with connect() as connection, connection.cursor() as cursor:
        for table in RECORD_TABLES:
            made = f"SELECT {_columns(table)} FROM {table} WHERE id > {last_kept_id(table)} ORDER BY id"
            buffer = BytesIO()
            cursor.copy_expert(f"COPY ({made}) TO STDOUT", buffer)
            text[table] = buffer.getvalue()
    return text


def time_copy(text: Text, copies: Copies = FOREIGN_KEYS) -> float:
    """Seconds that COPY of all rows takes in one transaction, with its commit. The tables are empty again after."""
    settle()
    with connect() as connection:
        took = _copy(connection, text, copies)
    clear_records(copies)
    return took


def measure_memory(text: Text) -> int:
    """The most bytes of its own that PostgreSQL's backend holds during ``time_copy``."""
    with connect() as connection, watch_private_peak([connection.get_backend_pid()]) as peak:
        _copy(connection, text, FOREIGN_KEYS)
    clear_records(FOREIGN_KEYS)
    return peak.bytes


def _copy(connection: Any, text: Text, copies: Copies) -> float:
    started = time.perf_counter()
    with connection.cursor() as cursor:
        for table, copy in zip(RECORD_TABLES, copies, strict=True):
            cursor.copy_expert(f"COPY {copy} ({_columns(table)}) FROM STDIN", BytesIO(text[table]), size=1 << 16)
    connection.commit()
    return time.perf_counter() - started


def _columns(table: str) -> str:
    rows = execute(
        "SELECT quote_ident(attname) FROM pg_attribute"
        f" WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"
        " ORDER BY attnum"
    )
    return ", ".join(name for (name,) in rows)
