"""The person in whose name a member of staff imports, which the session keeps for each organization."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from organizations.models import Organization
from people.models import Person

_KEY = "wizard_creators"
# The organizations that a session keeps a person for, the latest ones.
_KEPT = 20


class CreatorNeeded(Exception):
    """No person of the organization was chosen in this session, or the person can no longer be one.

    Attributes:
        organization_id: the organization.
    """

    def __init__(self, organization_id: int) -> None:
        super().__init__(organization_id)
        self.organization_id = organization_id


def select_creators(organization: Organization) -> Any:
    """The people of an organization in whose name files and imports may be created: users that are not locked out."""
    people = Person.objects.for_organization(organization)
    return people.filter(is_user=True, deactivated_at=None, archived_at=None)


def find_creator(request: HttpRequest, organization: Organization) -> Person:
    """The person that was chosen in this session.

    Raises:
        CreatorNeeded: there is none.
    """
    chosen = request.session.get(_KEY, {}).get(str(organization.pk))
    person: Person | None = chosen and select_creators(organization).filter(pk=chosen).first()
    if not person:
        raise CreatorNeeded(organization.pk)
    return person


def keep_creator(request: HttpRequest, person: Person) -> None:
    """Keep the person for its organization, until the session ends."""
    kept = request.session.get(_KEY, {})
    kept.pop(str(person.organization_id), None)
    latest = [*kept.items(), (str(person.organization_id), person.pk)][-_KEPT:]
    request.session[_KEY] = dict(latest)
