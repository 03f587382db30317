"""Traces for OpenTelemetry: requests and their statements, with routes, statuses and times."""

from __future__ import annotations

import os
from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.instrumentation.psycopg2 import Psycopg2Instrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Status

# The attributes that are sent, under their old and new names. Statements have placeholders for values.
_SENT = frozenset(
    {
        *("http.method", "http.request.method", "http.route", "http.status_code", "http.response.status_code"),
        *("http.flavor", "network.protocol.version", "http.scheme", "url.scheme"),
        *("db.system", "db.system.name", "db.name", "db.namespace", "db.statement", "db.query.text"),
    }
)


class ListedOnly(SpanExporter):
    """Sends spans without their events, which have messages of exceptions, and without all that is not listed."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send them."""
        return self._exporter.export([_strip(span) for span in spans])

    def shutdown(self) -> None:
        """End."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what is left."""
        return self._exporter.force_flush(timeout_millis)


def start_tracing() -> None:
    """Trace requests and statements. OpenTelemetry's own variables say where to, and how many of them."""
    os.environ.setdefault("OTEL_SERVICE_NAME", "importsvc")
    provider = TracerProvider(resource=Resource.create())
    provider.add_span_processor(BatchSpanProcessor(ListedOnly(OTLPSpanExporter())))
    DjangoInstrumentor().instrument(tracer_provider=provider)
    # The package is psycopg2-binary, which the check does not know.
    Psycopg2Instrumentor().instrument(tracer_provider=provider, skip_dep_check=True)


def _strip(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={name: value for name, value in (span.attributes or {}).items() if name in _SENT},
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
