"""The services of organizations and tokens."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model, Value
from django.db.models.functions import Lower
from django.utils import timezone

from companies.models import Company
from organizations.models import Organization
from people.models import ApiToken, Person, Scope

ADMINISTRATOR_ROLE = 1


@dataclass(frozen=True)
class NewOrganization:
    """An organization, its first person, and the person's token, of which only a hash is stored."""

    organization: Organization
    person: Person
    token: str


def create_organization(
    *, name: str, email: str, first_name: str | None = None, last_name: str | None = None, time_zone: str = "UTC"
) -> NewOrganization:
    """Create an organization with its own company and its first person (contract, section 2.1).

    The default of ``first_name`` is the part of the address before the ``@``.

    Raises:
        django.core.exceptions.ValidationError: a value is not acceptable; nothing is created.
    """
    if not email.strip():
        raise ValidationError({"email": "The first person needs an address."})
    with transaction.atomic():
        organization = Organization(name=name.strip(), time_zone=time_zone)
        _insert(organization)
        company = Company(organization=organization, name=organization.name, default_currency="USD")
        _insert(company)
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
        _insert(person)
        return NewOrganization(organization, person, create_token(person=person))


def _insert(record: Model) -> None:
    # What they refer to was just inserted, and nothing else of the organization is there to be unique among.
    record.full_clean(exclude={"organization", "company"})
    record.save()


def find_person(*, organization_id: int, email: str) -> Person:
    """The person with this address, case-insensitively.

    Raises:
        Person.DoesNotExist: the organization has no such person.
    """
    people = Person.objects.select_related("organization").annotate(folded=Lower("email"))
    return people.get(organization_id=organization_id, folded=Lower(Value(email.strip())))


def require_active(person: Person) -> None:
    """Check that tokens of the person would be valid (contract, section 2.1).

    Raises:
        django.core.exceptions.ValidationError: the person is deactivated or archived.
    """
    if person.deactivated_at or person.archived_at:
        kind = "deactivated" if person.deactivated_at else "archived"
        raise ValidationError(f"{person} is {kind}: a token would not work.")


def create_token(
    *,
    person: Person,
    name: str = "API",
    expires_at: datetime | None = None,
    scopes: Collection[str] = tuple(Scope),
) -> str:
    """Create a token for a person and return it. Only a hash of it is stored.

    Args:
        person: the token's person.
        name: is shown in the admin.
        expires_at: the token does not work from then on; ``None`` means that it does not expire.
        scopes: of ``Scope``, one at least.

    Raises:
        django.core.exceptions.ValidationError: the person is deactivated or archived, or the name is too long or blank.
    """
    require_active(person)
    made = ApiToken(
        organization_id=person.organization_id,
        person=person,
        name=name,
        expiry_date=expires_at,
        **{f"can_{scope}": scope in scopes for scope in Scope},
    )
    token = ApiToken.objects.assign_key(made)
    made.clean_fields(exclude={"organization", "person"})  # their keys are checked by the database
    made.save()
    return token


def rotate_token(*, prefix: str, keep_for: timedelta = timedelta(0), expires_at: datetime | None = None) -> str:
    """Create a token like the one with this prefix, which stops to work, and return the new one.

    The new token has the person, name and scopes of the old one.

    Args:
        prefix: the part of the old token before its dot.
        keep_for: the old token works so long, unless it expires earlier; by default it is revoked at once.
        expires_at: of the new token; by default it is valid as long as the old one was to be when it was created.

    Raises:
        ApiToken.DoesNotExist: there is no token with this prefix.
        django.core.exceptions.ValidationError: the old token does not work, because it is revoked or expired, or its
            person deactivated or archived.
    """
    with transaction.atomic():
        tokens = ApiToken.objects.select_related("person__organization")
        # Found in all organizations, and locked in its own.
        own = tokens.filter(organization_id=tokens.get(prefix=prefix).organization_id)
        old = own.select_for_update(of=("self",), no_key=True).get(prefix=prefix)
        if old.state != "valid":
            raise ValidationError(f"The token is {old.state}: create another one.")
        now = timezone.now()
        if old.expiry_date and not expires_at:
            expires_at = now + (old.expiry_date - old.created)
        token = create_token(person=old.person, name=old.name, expires_at=expires_at, scopes=old.scopes)
        if keep_for:
            old.expiry_date = min(now + keep_for, old.expiry_date or now + keep_for)
        else:
            old.revoked = True
        own.filter(pk=old.pk).update(expiry_date=old.expiry_date, revoked=old.revoked)
    return token


def revoke_token(*, prefix: str) -> ApiToken:
    """Revoke a token, given the part before its dot. A token that is already revoked is returned unchanged.

    Raises:
        ApiToken.DoesNotExist: there is no token with this prefix.
    """
    token = ApiToken.objects.select_related("person__organization").get(prefix=prefix)
    if not token.revoked:
        token.revoked = True
        ApiToken.objects.filter(organization_id=token.organization_id, pk=token.pk).update(revoked=True)
    return token
