"""Configuration of the idempotency app."""

from django.apps import AppConfig


class IdempotencyConfig(AppConfig):
    """Stores responses to requests that have an ``Idempotency-Key``."""

    name = "importsvc.idempotency"
    label = "idempotency"
