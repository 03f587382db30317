"""Operations that a worker does at this moment, for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.backends.base.base import BaseDatabaseWrapper

from importsvc.operations.models import Operation
from importsvc.postgres.side_connection import open_side_connection


@contextmanager
def claimed(operation: Operation) -> Iterator[BaseDatabaseWrapper]:
    """Within the block, the connection that it gives has claimed the operation and locked its import."""
    with open_side_connection() as worker:
        worker.ensure_connection()
        worker.connection.autocommit = False
        with worker.connection.cursor() as cursor:
            key = [operation.organization_id, operation.pk]
            cursor.execute(
                "SELECT FROM operations_operation WHERE organization_id = %s AND id = %s FOR NO KEY UPDATE", key
            )
            cursor.execute(
                "SELECT FROM imports_import WHERE organization_id = %s AND id = %s FOR NO KEY UPDATE",
                [operation.organization_id, operation.import_record_id],
            )
            cursor.execute("SELECT pg_backend_pid()")
            (backend_pid,) = cursor.fetchone()
        with open_side_connection() as side, side.cursor() as cursor:
            cursor.execute(
                "UPDATE operations_progress SET attempts = attempts + 1, backend_pid = %s,"
                " started_at = statement_timestamp() WHERE organization_id = %s AND operation_id = %s",
                [backend_pid, *key],
            )
        yield worker
