"""Organizations: the tenants."""

from __future__ import annotations

import functools
import zoneinfo
from typing import Self

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from organizations.features import validate_features

# Cached, because it reads the folders of the time zone database.
_read_time_zones = functools.cache(zoneinfo.available_timezones)


def validate_time_zone(value: str) -> None:
    """Check that the name is in the IANA time zone database."""
    if value not in _read_time_zones():
        raise ValidationError(f"{value!r} is not a time zone; use a name like 'Europe/Zagreb'.")


validate_currency_code = RegexValidator(r"^[A-Z]{3}\Z", "Use an ISO 4217 code, for example EUR.")


class OrganizationQuerySet(models.QuerySet["Organization"]):
    """Organizations, with the same scope method as their records."""

    def for_organization(self, organization: Organization) -> Self:
        """Only the organization itself."""
        return self.filter(pk=organization.pk)


class Organization(models.Model):
    """A tenant. No record refers to a record of another organization."""

    name = models.CharField(max_length=255)
    time_zone = models.CharField(
        max_length=64,
        default="UTC",
        validators=[validate_time_zone],
        help_text="IANA name, for example Europe/Zagreb. Time stamps in the API are written in this zone.",
    )
    default_currency = models.CharField(
        max_length=3, default="USD", validators=[validate_currency_code], help_text="ISO 4217 code."
    )
    features = models.JSONField(
        default=dict,
        blank=True,
        validators=[validate_features],
        help_text='Differences from the default plan, for example {"custom_fields": {"limit": 50}}.',
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~models.Q(name=""), name="organization_name_not_blank"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The time zone of the organization's time stamps in the API."""
        return zoneinfo.ZoneInfo(self.time_zone)
