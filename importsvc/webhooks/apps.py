"""Configuration of the webhooks app."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """The app of webhooks: events that are sent to URLs of organizations."""

    name = "importsvc.webhooks"
    label = "webhooks"
