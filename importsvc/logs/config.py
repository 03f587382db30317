"""The configuration of Python's logging."""

from __future__ import annotations

from typing import Any


def make_config(*, line_format: str, level: str) -> dict[str, Any]:
    """For ``logging.config.dictConfig``: lines on standard error, as ``text`` or ``json``, from this level on."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {"()": "importsvc.logs.formatters.LineFormatter"},
            "json": {"()": "importsvc.logs.formatters.JsonFormatter"},
        },
        "filters": {"has_exception": {"()": "importsvc.logs.formatters.HasException"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": line_format}},
        "loggers": {
            # importsvc.requests logs responses, without the values that paths and Host headers have.
            "django.request": {"level": "ERROR", "filters": ["has_exception"]},
            "django.security": {"level": "CRITICAL"},
            # That a response to HEAD has no body.
            "gunicorn.http.wsgi": {"level": "ERROR"},
            "gunicorn.error": {"level": "WARNING", "handlers": [], "propagate": True},
        },
        "root": {"handlers": ["stderr"], "level": level},
    }
