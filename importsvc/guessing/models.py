"""How often attempts to authenticate have failed."""

from __future__ import annotations

from django.db import models


class FailureCount(models.Model):
    """The failed attempts of one kind, such as those from one address, since the first of them."""

    key = models.CharField(max_length=64, primary_key=True, help_text="A digest: the address is not stored.")
    failures = models.PositiveIntegerField()
    expires_at = models.DateTimeField(db_index=True, help_text="From then on the next failure is the first one.")

    def __str__(self) -> str:
        return self.key
