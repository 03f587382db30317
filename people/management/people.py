"""People in the arguments of commands."""

from django.core.management.base import CommandError
from django.db import DataError

from organizations.models import Organization
from people.models import Person
from people.services import find_person


def find_person_or_refuse(*, organization_id: int, email: str) -> Person:
    """The person of an organization with this address, in upper or lower case.

    Raises:
        CommandError: there is none, or no such organization.
    """
    if not Organization.objects.filter(pk=organization_id).exists():
        raise CommandError(f"There is no organization {organization_id}")
    try:
        return find_person(organization_id=organization_id, email=email)
    # Python decodes bytes that are not UTF-8 to lone surrogates, which cannot be sent to the database. In a cluster the
    # number of an organization may be too large.
    except (Person.DoesNotExist, UnicodeEncodeError, DataError):
        raise CommandError(f"No person in organization {organization_id} has the address {email!r}.") from None
