"""Errors to Sentry, and traces to OpenTelemetry, if they are configured and their packages are installed.

Neither sees a value of a row, a header or a query parameter: of what the libraries collect, only what is listed here is
sent.
"""

from __future__ import annotations

import os
import sys

from importsvc.environment import variables


def start_reporting() -> None:
    """Start what is configured, in this process: its threads do not survive a fork.

    Raises:
        SystemExit: packages are missing.
    """
    endpoint = variables.OTEL_EXPORTER_OTLP_ENDPOINT.read()
    dsn = variables.SENTRY_DSN.read()
    if dsn:
        try:
            from importsvc.monitoring.sentry import start_sentry
        except ModuleNotFoundError as error:
            _refuse("SENTRY_DSN", "requirements-sentry.txt", error)
        start_sentry(dsn)
    if endpoint:
        try:
            from importsvc.monitoring.tracing import start_tracing
        except ModuleNotFoundError as error:
            _refuse("OTEL_EXPORTER_OTLP_ENDPOINT", "requirements-opentelemetry.txt", error)
        start_tracing()


def _refuse(variable: str, requirements: str, error: ModuleNotFoundError) -> None:
    if (error.name or "").startswith("importsvc"):
        raise error
    sys.stderr.write(f"{variable} needs the packages of {requirements}: pip install -r {requirements}{os.linesep}")
    raise SystemExit(variables.EXIT_CODE) from None
