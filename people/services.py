"""What operators do about organizations and tokens."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Lower
from django.utils import timezone

from companies.models import Company
from organizations.models import Organization
from people.models import ApiToken, Person

ADMINISTRATOR_ROLE = 1


@dataclass(frozen=True)
class NewOrganization:
    """An organization, its first person, and the token that person works with; the token is told only here."""

    organization: Organization
    person: Person
    token: str


def create_organization(
    *,
    name: str,
    email: str,
    first_name: str | None = None,
    last_name: str | None = None,
    time_zone: str = "UTC",
) -> NewOrganization:
    """Make an organization with its own company and its first person (contract, section 2.1).

    Without a ``first_name`` the part of the address before the ``@`` is taken.

    Raises:
        django.core.exceptions.ValidationError: a value is not acceptable; nothing is made.
    """
    if not email.strip():
        raise ValidationError({"email": "The first person needs an address."})
    with transaction.atomic():
        organization = Organization(name=name.strip(), time_zone=time_zone)
        organization.full_clean()
        organization.save()
        company = Company(organization=organization, name=organization.name, default_currency="USD")
        company.full_clean()
        company.save()
        person = Person(
            organization=organization,
            company=company,
            first_name=(first_name or email.partition("@")[0]).strip(),
            last_name=(last_name or "").strip() or None,
            email=email.strip(),
            role_id=ADMINISTRATOR_ROLE,
            is_user=True,
            joined_at=timezone.now(),
        )
        person.full_clean()
        person.save()
        return NewOrganization(organization, person, create_token(person=person))


def find_person(*, organization_id: int, email: str) -> Person:
    """The person with this address, whatever its case.

    Raises:
        Person.DoesNotExist: the organization has none.
    """
    people = Person.objects.select_related("organization").annotate(folded=Lower("email"))
    return people.get(organization_id=organization_id, folded=Lower(Value(email.strip())))


def require_active(person: Person) -> None:
    """Refuse people whose tokens do not work (contract, section 2.1).

    Raises:
        django.core.exceptions.ValidationError: the person is deactivated or archived.
    """
    if person.deactivated_at or person.archived_at:
        kind = "deactivated" if person.deactivated_at else "archived"
        raise ValidationError(f"{person} is {kind}: a token would not work.")


def create_token(*, person: Person, name: str = "API") -> str:
    """Make a token for a person and return it: only its hash is kept, so this is the only time it is told.

    Raises:
        django.core.exceptions.ValidationError: the person is deactivated or archived.
    """
    require_active(person)
    _, token = ApiToken.objects.create_key(organization_id=person.organization_id, person=person, name=name)
    return str(token)


def revoke_token(*, prefix: str) -> ApiToken:
    """Make a token useless from now on, by the part before its dot. Revoking twice does no harm.

    Raises:
        ApiToken.DoesNotExist: no token starts like this.
    """
    token = ApiToken.objects.select_related("person__organization").get(prefix=prefix)
    if not token.revoked:
        token.revoked = True
        token.save(update_fields=["revoked"])
    return token
