"""Counts of requests, which all processes of a service write into files of one folder.

``prometheus_client`` chooses the files, or the memory of the process, when it is imported: ``PROMETHEUS_MULTIPROC_DIR``
has to be set before.
"""

from __future__ import annotations

from prometheus_client import Counter, Histogram

# In seconds: from a record to a large import.
_BUCKETS = (0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 600)

_REQUESTS = Counter("importsvc_http_requests", "Requests.", ["method", "route", "status"], registry=None)
_DURATIONS = Histogram(
    "importsvc_http_request_duration_seconds",
    "Time until the response.",
    ["method", "route"],
    buckets=_BUCKETS,
    registry=None,
)


def count_request(*, method: str, route: str, status: int, seconds: float) -> None:
    """Count a request. Each argument but ``seconds`` must have few values."""
    _REQUESTS.labels(method, route, str(status)).inc()
    _DURATIONS.labels(method, route).observe(seconds)
