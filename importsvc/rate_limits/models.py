"""Counters of requests in PostgreSQL."""

from __future__ import annotations

from django.db import models


class RequestCounter(models.Model):
    """The number of requests of a party in the current period.

    The table is unlogged: a commit waits for no disk, and after a crash of PostgreSQL all counts begin again.
    """

    key = models.CharField(max_length=64, primary_key=True, help_text="The limit and the party, as token:7.")
    period = models.BigIntegerField(help_text="The number of the period since 1970.")
    count = models.BigIntegerField()

    def __str__(self) -> str:
        return self.key
