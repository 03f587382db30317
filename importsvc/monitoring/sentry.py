"""Errors for Sentry: types, frames and ids."""

from __future__ import annotations

from typing import Any

import sentry_sdk
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import LoggingIntegration, ignore_logger
from sentry_sdk.integrations.threading import ThreadingIntegration

from importsvc.logs.context import get_log_fields
from importsvc.logs.formatters import describe_type

# What is sent of an event; all else is dropped.
_SENT = ("event_id", "timestamp", "platform", "level", "logger", "server_name", "release", "environment", "sdk")
_SENT_OF_FRAME = ("filename", "abs_path", "function", "module", "lineno", "pre_context", "context_line", "post_context")


def start_sentry(dsn: str) -> None:
    """Send errors: exceptions that are not handled, and log lines of the level ``ERROR``."""
    # Its lines follow those of the exceptions.
    ignore_logger("importsvc.requests")
    sentry_sdk.init(
        dsn=dsn,
        before_send=make_event,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            AtexitIntegration(callback=lambda *_: None),
            DedupeIntegration(),
            DjangoIntegration(cache_spans=False),
            ExcepthookIntegration(),
            LoggingIntegration(level=None),
            ThreadingIntegration(),
        ],
        include_local_variables=False,
        max_request_body_size="never",
        send_default_pii=False,
        max_breadcrumbs=0,
        auto_session_tracking=False,
    )


def make_event(event: Any, hint: dict[str, Any]) -> Any:
    """The event with what may be sent; messages of exceptions are as in the log."""
    made: dict[str, Any] = {name: event[name] for name in _SENT if name in event}
    made["tags"] = {name: str(value) for name, value in get_log_fields().items()}
    if "message" in event.get("logentry", {}):
        made["logentry"] = {"message": event["logentry"]["message"]}
    error = (hint.get("exc_info") or (None, None))[1]
    described = {}
    while error is not None:
        described[type(error).__name__] = describe_type(error)
        error = error.__cause__ or error.__context__
    values = event.get("exception", {}).get("values", [])
    if values:
        made["exception"] = {"values": [_make_exception(value, described) for value in values]}
    return made


def _make_exception(value: dict[str, Any], described: dict[str, str]) -> dict[str, Any]:
    frames = (value.get("stacktrace") or {}).get("frames", [])
    sent = [{name: frame[name] for name in _SENT_OF_FRAME if name in frame} for frame in frames]
    return {
        "type": value.get("type"),
        "module": value.get("module"),
        "value": described.get(str(value.get("type")), ""),
        "stacktrace": {"frames": sent},
    }
