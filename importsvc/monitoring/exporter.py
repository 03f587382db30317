"""Metrics for Prometheus on a port of their own: what PostgreSQL knows, and the requests of all processes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from django.db import DatabaseError, InterfaceError, connection
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from importsvc.monitoring import figures
from importsvc.monitoring.figures import Figures

_DESCRIPTIONS = {
    "database_up": "Whether the database can be used.",
    "operations": "Operations; finished ones as long as they are stored.",
    "operations_oldest_queued_seconds": "Seconds for which the operation that was queued first waits to be begun.",
    "rows": "Rows of imports that were run; reverted: rows written by imports that were reverted.",
    "webhook_deliveries": "Deliveries of webhooks; finished ones as long as they are stored.",
    "webhook_deliveries_oldest_pending_seconds": "Seconds since the oldest delivery that is pending was created.",
    "workers": "Workers of manage.py work that are connected to the database.",
    "database_connections": "Connections of clients to the database.",
    "database_connections_max": "Connections that the database server accepts.",
}

# For so long what reads whole tables is not read again.
HISTORY_SECONDS = 60.0


def start_exporter(*, host: str, port: int, folder: Path) -> None:
    """Serve metrics in a thread of this process.

    The processes that count requests have ``folder`` in ``PROMETHEUS_MULTIPROC_DIR``. What an earlier service has left
    in it is removed, and so counts begin at 0.

    Raises:
        OSError: the port is taken.
    """
    registry = CollectorRegistry()
    start_http_server(port, host, registry)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    MultiProcessCollector(registry, str(folder))
    registry.register(DatabaseCollector())


class DatabaseCollector(Collector):
    """Metrics that are asked of PostgreSQL when they are scraped, by any number of threads."""

    def __init__(self, history_seconds: float = HISTORY_SECONDS) -> None:
        self._history_seconds = history_seconds
        self._history: tuple[float, Mapping[str, Figures]] | None = None

    def collect(self) -> Iterator[Metric]:
        """The metrics; without the database only that it cannot be used."""
        try:
            metrics = list(self._read())
            is_up = True
        except (DatabaseError, InterfaceError):
            metrics = []
            is_up = False
        finally:
            # The thread ends with the scrape.
            connection.close()
        yield _write(GaugeMetricFamily, "database_up", {(): float(is_up)})
        yield from metrics

    def describe(self) -> list[Metric]:
        """None: registering does not use the database."""
        return []

    def _read(self) -> Iterator[Metric]:
        history = self._read_history()
        operations = {**figures.count_unfinished_operations(), **history["operations"]}
        yield _write(GaugeMetricFamily, "operations", operations, "kind", "status")
        yield _write(GaugeMetricFamily, "operations_oldest_queued_seconds", figures.get_queue_age())
        yield _write(CounterMetricFamily, "rows", history["rows"], "type", "outcome")
        yield _write(GaugeMetricFamily, "webhook_deliveries", history["deliveries"], "status")
        yield _write(GaugeMetricFamily, "webhook_deliveries_oldest_pending_seconds", figures.get_delivery_age())
        yield _write(GaugeMetricFamily, "workers", figures.get_number_of_workers())
        yield _write(GaugeMetricFamily, "database_connections", figures.count_connections(), "state")
        yield _write(GaugeMetricFamily, "database_connections_max", figures.get_largest_number_of_connections())

    def _read_history(self) -> Mapping[str, Figures]:
        now = time.monotonic()
        if self._history is None or self._history[0] < now - self._history_seconds:
            self._history = (
                now,
                {
                    "operations": figures.count_finished_operations(),
                    "rows": figures.count_rows(),
                    "deliveries": figures.count_deliveries(),
                },
            )
        return self._history[1]


def _write(
    family: Callable[..., CounterMetricFamily | GaugeMetricFamily], name: str, values: Figures, *labels: str
) -> Metric:
    metric = family(f"importsvc_{name}", _DESCRIPTIONS[name], labels=labels)
    for values_of_labels, value in sorted(values.items()):
        metric.add_metric(values_of_labels, value)
    return metric
