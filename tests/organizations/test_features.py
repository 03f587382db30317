"""``organization_features``: the published plan, the overrides of an organization, and its usage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from organizations.features import METERED_LIMITS, organization_features, validate_features
from people.services import NewOrganization
from tests.builders import make_organization, make_person

EXAMPLES = json.loads((Path(__file__).parent.parent / "contract" / "examples.json").read_text())


def test_the_default_plan_is_the_published_one_in_its_order(acme: NewOrganization) -> None:
    published = EXAMPLES[0]["response"]["meta"]["organization_features"]

    assert json.dumps(organization_features(acme.organization)) == json.dumps(published)


def test_an_organization_may_have_other_limits_and_switches(acme: NewOrganization) -> None:
    default = organization_features(acme.organization)
    acme.organization.features = {"custom_fields": {"limit": 50}, "webhooks": {"available": False}}

    assert organization_features(acme.organization) == {
        **default,
        "custom_fields": {"type": "metered", "limit": 50, "used": 0},
        "webhooks": {"type": "switch", "available": False},
    }


def test_usage_is_counted_for_each_organization_separately(acme: NewOrganization) -> None:
    globex = make_organization(name="Globex")
    for organization, reports in [(acme.organization, 2), (acme.organization, 3), (globex.organization, 7)]:
        make_person(organization=organization, placeholder=True, private_custom_reports_used=reports)
    make_person(organization=acme.organization)

    used = {
        name: feature["used"] for name, feature in organization_features(acme.organization).items() if "used" in feature
    }

    assert used == {**dict.fromkeys(METERED_LIMITS, 0), "private_custom_reports": 5, "scheduling_placeholders": 2}


@pytest.mark.parametrize("value", [{}, {"custom_fields": {"limit": 0}}, {"single_sign_on": {"available": True}}])
def test_overrides_of_the_right_form_are_accepted(value: Any) -> None:
    validate_features(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "Features must be an object of feature names."),
        ({"banana": {"limit": 1}}, "Unknown feature 'banana'."),
        ({"custom_fields": 5}, "Feature 'custom_fields' must be {\"limit\": a whole number}."),
        ({"custom_fields": {"limit": -1}}, "Feature 'custom_fields' must be {\"limit\": a whole number}."),
        ({"custom_fields": {"limit": True}}, "Feature 'custom_fields' must be {\"limit\": a whole number}."),
        ({"custom_fields": {"available": True}}, "Feature 'custom_fields' must be {\"limit\": a whole number}."),
        ({"webhooks": {"available": 1}}, "Feature 'webhooks' must be {\"available\": true or false}."),
        ({"webhooks": {"available": True, "limit": 1}}, "Feature 'webhooks' must be {\"available\": true or false}."),
    ],
)
def test_invalid_overrides_are_refused_by_name(value: Any, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        validate_features(value)

    assert caught.value.messages == [message]
