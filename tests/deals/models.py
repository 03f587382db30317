"""The model of ``docs/adding-an-importable.md``: in no ``INSTALLED_APPS`` but that of ``test_third_importable``."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from companies.models import Company
from organizations.models import Organization


class Deal(models.Model):
    """Something that somebody may buy."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    company = models.ForeignKey(Company, on_delete=models.PROTECT, null=True)
    name = models.CharField(max_length=255)
    value = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name
