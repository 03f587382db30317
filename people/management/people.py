"""People, as operators name them on the command line."""

from django.core.management.base import CommandError

from people.models import Person
from people.services import find_person


def find_person_or_refuse(*, organization_id: int, email: str) -> Person:
    """The person of an organization with this address, in upper or lower case.

    Raises:
        CommandError: there is none.
    """
    try:
        return find_person(organization_id=organization_id, email=email)
    # The shell hands over bytes that are not UTF-8 as lone surrogates, which no stored address has.
    except (Person.DoesNotExist, UnicodeEncodeError):
        raise CommandError(f"Nobody in organization {organization_id} has the address {email!r}.") from None
