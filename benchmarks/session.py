"""The database of a run, and Django on it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import django

from importsvc.environment.variables import VARIABLES

# Variables that configure the service; the benchmarks run it without any.
SETTINGS = sorted(set(VARIABLES) - {"TMPDIR"})


@contextmanager
def open_session(environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """Django with an embedded PostgreSQL in a temporary folder, stopped and removed when the block ends.

    ``environment`` holds variables that configure the service.
    """
    with tempfile.TemporaryDirectory(prefix="importsvc-bench-", ignore_cleanup_errors=True) as folder:
        for name in SETTINGS:
            os.environ.pop(name, None)
        # They send more requests than a client may.
        os.environ.update({"API_RATE_LIMIT": "off", "ORGANIZATION_RATE_LIMIT": "off", **(environment or {})})
        os.environ.update(VAR_DIR=folder, DJANGO_SETTINGS_MODULE="benchmarks.settings", PGAPPNAME="benchmarks")
        django.setup()

        from django.db import connections

        from importsvc.postgres.embedded.base import SERVER

        try:
            yield
        finally:
            connections.close_all()
            SERVER.leave()
