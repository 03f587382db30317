"""``organization_features``: the features of an organization, with limits and usage.

Names, order, types and default limits are those of the published page (``meta.organization_features``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError

if TYPE_CHECKING:
    from organizations.models import Organization

METERED_LIMITS: Mapping[str, int] = {
    "custom_fields": 15,
    "custom_fields_per_project": 10,
    "public_custom_reports": 30,
    "private_custom_reports": 30,
    "scheduling_placeholders": 5,
}
SWITCHES: tuple[str, ...] = (
    "multigrouping",
    "client_access_to_budgets",
    "subsidiaries",
    "time_approvals",
    "expenses_approvals",
    "timeoff_approvals",
    "autotracking",
    "forecasting",
    "webhooks",
    "table_pivoting",
    "formula_fields",
    "single_sign_on",
)

UsageCounter = Callable[["Organization"], Mapping[str, int]]
_usage_counters: list[UsageCounter] = []


def register_usage(counter: UsageCounter) -> UsageCounter:
    """Register a function of an app that counts the usage of metered features.

    ``counter`` takes the organization and returns the usage by feature, with at most one query: it runs for every
    successful response of the API. The usage of features without a counter is reported as 0.
    """
    _usage_counters.append(counter)
    return counter


def organization_features(organization: Organization) -> dict[str, dict[str, Any]]:
    """The features of the organization in the published order: metered features, then switches.

    ``{"custom_fields": {"type": "metered", "limit": 15, "used": 0}, …,
    "webhooks": {"type": "switch", "available": True}, …}``
    """
    overrides = organization.features
    used: dict[str, int] = {}
    for counter in _usage_counters:
        used.update(counter(organization))
    features: dict[str, dict[str, Any]] = {}
    for name, default in METERED_LIMITS.items():
        limit = overrides.get(name, {}).get("limit", default)
        features[name] = {"type": "metered", "limit": limit, "used": used.get(name, 0)}
    for name in SWITCHES:
        features[name] = {"type": "switch", "available": is_available(organization, name)}
    return features


def is_available(organization: Organization, switch: str) -> bool:
    """Whether the organization has the feature, which is one of ``SWITCHES``."""
    return bool(organization.features.get(switch, {}).get("available", True))


def validate_features(value: object) -> None:
    """Validate overrides of features, such as ``{"custom_fields": {"limit": 50}, "webhooks": {"available": false}}``.

    Raises:
        ValidationError: for the first invalid entry.
    """
    if not isinstance(value, dict):
        raise ValidationError("Features must be an object of feature names.")
    for name, override in value.items():
        if name in METERED_LIMITS:
            key, fits = "limit", lambda given: type(given) is int and given >= 0
        elif name in SWITCHES:
            key, fits = "available", lambda given: type(given) is bool
        else:
            raise ValidationError(f"Unknown feature {name!r}.")
        if not isinstance(override, dict) or set(override) != {key} or not fits(override[key]):
            kind = "a whole number" if key == "limit" else "true or false"
            raise ValidationError(f'Feature {name!r} must be {{"{key}": {kind}}}.')
