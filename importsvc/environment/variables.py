"""Every environment variable that the service reads; others are ignored.

To add one, declare it here, read it with ``NAME.read()``, and give it bad values in
``tests/environment/test_variables.py`` and a line in the README.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from importsvc.environment.addresses import (
    broker_url,
    database_url,
    http_url,
    listen_host,
    network,
    origin,
    origin_pattern,
    redis_url,
    sentry_dsn,
    served_host,
)
from importsvc.environment.variable import (
    InvalidVariable,
    Rate,
    Variable,
    boolean,
    choice,
    folder,
    matching,
    rate,
    secret_key,
    several,
    whole,
)

# With this exit code of its workers gunicorn ends, too, and does not start them again and again.
EXIT_CODE = 3

_YEARS_10 = 3650
_TEBIBYTE = 2**40

# --- Where it runs --------------------------------------------------------------------------------------------------

HOST = Variable("HOST", listen_host(), "127.0.0.1")
PORT = Variable("PORT", whole(1, 65_535), 8000)
WEB_CONCURRENCY = Variable("WEB_CONCURRENCY", whole(1, 256), 2)
# None: manage.py serve starts processes of four threads, other servers those of one.
THREADS = Variable("THREADS", whole(1, 256), None)
WORKERS = Variable("WORKERS", whole(0, 256), 1)
# None: var in the project's folder.
VAR_DIR = Variable("VAR_DIR", folder(), None)
# Read by Python, which takes another folder if it cannot use this one.
TMPDIR = Variable("TMPDIR", folder(), None)

# --- Data -----------------------------------------------------------------------------------------------------------

# None: the embedded PostgreSQL.
DATABASE_URL = Variable("DATABASE_URL", database_url(), None)
# Seconds.
CONN_MAX_AGE = Variable("CONN_MAX_AGE", whole(0, 86_400), 60)
LOCK_TIMEOUT_SECONDS = Variable("LOCK_TIMEOUT_SECONDS", whole(1, 3600), 5)
CLIENT_CHECK_SECONDS = Variable("CLIENT_CHECK_SECONDS", whole(0, 3600), 1)
IDEMPOTENCY_KEY_HOURS = Variable("IDEMPOTENCY_KEY_HOURS", whole(1, 24 * _YEARS_10), 48)
WEBHOOK_DELIVERY_DAYS = Variable("WEBHOOK_DELIVERY_DAYS", whole(1, _YEARS_10), 30)
OPERATION_DAYS = Variable("OPERATION_DAYS", whole(1, _YEARS_10), 30)
UNRUN_IMPORT_DAYS = Variable("UNRUN_IMPORT_DAYS", whole(1, _YEARS_10), 90)
IMPORT_FILE_DAYS = Variable("IMPORT_FILE_DAYS", whole(1, _YEARS_10), 90)
# None: for ever.
RUN_IMPORT_DAYS = Variable("RUN_IMPORT_DAYS", whole(1, _YEARS_10), None)

# --- Workers --------------------------------------------------------------------------------------------------------

# Empty: no Celery.
CELERY_BROKER_URL = Variable("CELERY_BROKER_URL", broker_url(), "")
CELERY_QUEUE = Variable(
    "CELERY_QUEUE",
    matching(r"(?!amq\.)[A-Za-z0-9_.:-]{1,200}", "be a queue name of letters, digits and any of _ . : -"),
    "importsvc",
)

# --- HTTP -----------------------------------------------------------------------------------------------------------

# None: generated at the first start.
SECRET_KEY = Variable("SECRET_KEY", secret_key(), None)
DEBUG = Variable("DEBUG", boolean(), False)
ALLOWED_HOSTS = Variable("ALLOWED_HOSTS", several(served_host(), ","), ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: Variable[list[str], list[str]] = Variable(
    "CSRF_TRUSTED_ORIGINS", several(origin_pattern(), ","), []
)
CORS_ALLOWED_ORIGINS: Variable[list[str], list[str]] = Variable("CORS_ALLOWED_ORIGINS", several(origin(), ","), [])
IMPORT_FRAME_ORIGINS: Variable[list[str], list[str]] = Variable("IMPORT_FRAME_ORIGINS", several(origin(), ","), [])
BEHIND_TLS_PROXY = Variable("BEHIND_TLS_PROXY", boolean(), False)
TRUSTED_PROXIES: Variable[list[str], list[str]] = Variable("TRUSTED_PROXIES", several(network(), ","), [])
# A year at most twice: browsers cannot be told otherwise before that.
HSTS_SECONDS = Variable("HSTS_SECONDS", whole(0, 63_072_000), 31_536_000)
MAX_BODY_BYTES = Variable("MAX_BODY_BYTES", whole(1024, _TEBIBYTE), 256 * 1024 * 1024)
# None: no size.
ASYNC_BODY_BYTES = Variable("ASYNC_BODY_BYTES", whole(1, _TEBIBYTE), None)
# Of a token, and of all tokens of an organization; None: no limit.
API_RATE_LIMIT = Variable("API_RATE_LIMIT", rate(), Rate(100, 10))
ORGANIZATION_RATE_LIMIT = Variable("ORGANIZATION_RATE_LIMIT", rate(), Rate(4000, 30 * 60))
# Empty: requests are counted in PostgreSQL.
REDIS_URL = Variable("REDIS_URL", redis_url(), "")
STAFF_SECOND_FACTOR = Variable("STAFF_SECOND_FACTOR", choice("off", "optional", "required"), "off")
ALLOW_PRIVATE_WEBHOOKS = Variable("ALLOW_PRIVATE_WEBHOOKS", boolean(), False)

# --- Watching -------------------------------------------------------------------------------------------------------

LOG_LEVEL = Variable("LOG_LEVEL", choice("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"), "WARNING")

LOG_FORMAT = Variable("LOG_FORMAT", choice("text", "json"), "text")
# None: no metrics.
METRICS_PORT = Variable("METRICS_PORT", whole(1, 65_535), None)

# Empty: nothing is sent.
SENTRY_DSN = Variable("SENTRY_DSN", sentry_dsn(), "")
OTEL_EXPORTER_OTLP_ENDPOINT = Variable("OTEL_EXPORTER_OTLP_ENDPOINT", http_url(), "")

VARIABLES: Mapping[str, Variable[Any, Any]] = {
    declared.name: declared for declared in list(globals().values()) if isinstance(declared, Variable)
}


def check_all() -> None:
    """End the process with a sentence for each variable whose value is not acceptable, if there is one.

    Raises:
        SystemExit: of them.
    """
    wrong = []
    for variable in VARIABLES.values():
        try:
            variable.read()
        except InvalidVariable as error:
            wrong.append(error)
    if wrong:
        sys.stderr.write("".join(f"{error}\n" for error in wrong))
        raise SystemExit(EXIT_CODE)
