"""The baseline of imports: nothing but COPY, of the very rows, into tables with the product's indexes and keys."""

from __future__ import annotations

import time
from io import BytesIO
from typing import Any

from benchmarks.database import RECORD_TABLES, clear_records, connect, execute, last_kept_id, settle
from benchmarks.memory import watch_private_peak

# Copies of the product's tables.
COPIES = tuple(f"bench_{table}" for table in RECORD_TABLES)

Text = dict[str, bytes]


def make_tables() -> None:
    """Make the copies: columns, defaults, checks, indexes and keys of the product's tables, and the demo's rows."""
    copy_of = dict(zip(RECORD_TABLES, COPIES, strict=True))
    for table, copy in copy_of.items():
        columns = _columns(table)
        execute(f"CREATE TABLE {copy} (LIKE {table} INCLUDING ALL)")
        execute(f"INSERT INTO {copy} ({columns}) SELECT {columns} FROM {table} WHERE id <= {last_kept_id(table)}")
    for table, copy in copy_of.items():
        for name, definition in execute(
            f"SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
            f" WHERE contype = 'f' AND conrelid = '{table}'::regclass"
        ):
            for referred, referred_copy in copy_of.items():
                definition = definition.replace(f" REFERENCES {referred}(", f" REFERENCES {referred_copy}(")
            execute(f"ALTER TABLE {copy} ADD CONSTRAINT bench_{name} {definition}")
    execute(f"VACUUM ANALYZE {', '.join(COPIES)}")


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


def time_copy(text: Text) -> float:
    """Seconds that COPY of all rows takes in one transaction, with its commit. The tables are empty again after."""
    settle()
    with connect() as connection:
        took = _copy(connection, text)
    clear_records(COPIES)
    return took


def measure_memory(text: Text) -> int:
    """The most bytes of its own that PostgreSQL's backend holds during ``time_copy``."""
    with connect() as connection, watch_private_peak([connection.get_backend_pid()]) as peak:
        _copy(connection, text)
    clear_records(COPIES)
    return peak.bytes


def _copy(connection: Any, text: Text) -> float:
    started = time.perf_counter()
    with connection.cursor() as cursor:
        for table, copy in zip(RECORD_TABLES, COPIES, strict=True):
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
