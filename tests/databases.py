"""Further databases on the server of the tests, and PostgreSQL's programs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from django.db import connection

from importsvc.postgres.embedded import PROGRAMS


@contextmanager
def empty_database(name: str) -> Iterator[str]:
    """A database without tables; its name begins with that of the test database, which each test process has."""
    name = f"{connection.settings_dict['NAME']}_{name}"
    parameters = {**connection.get_connection_params(), "dbname": "postgres"}
    server = psycopg2.connect(**parameters)
    server.autocommit = True
    try:
        with server.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        yield name
        with server.cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        server.close()


def ask_database(name: str, sql: str) -> list[Any]:
    """The first column of a query's result."""
    other = psycopg2.connect(**{**connection.get_connection_params(), "dbname": name})
    try:
        with other, other.cursor() as cursor:
            cursor.execute(sql)
            return [row[0] for row in cursor] if cursor.description else []
    finally:
        other.close()


def run_program(program: str, *arguments: str, database: str, stdin: str = "") -> str:
    """Run one of PostgreSQL's programs, such as ``pg_dump``, on a database; returns its output.

    Raises:
        subprocess.CalledProcessError: the program fails.
    """
    given: dict[str, Any] = {**connection.get_connection_params()}
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}
    environment = {names[name]: str(given[name]) for name in names if name in given}
    done = subprocess.run(
        [PROGRAMS / program, *arguments],
        env={**environment, "PGDATABASE": database, "LC_ALL": "C"},
        input=stdin,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
