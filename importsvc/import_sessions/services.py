"""The services of import sessions: created with a link, opened by it, revoked, and pruned."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db.models.functions import Now
from django.utils import timezone
from rest_framework_api_key.crypto import KeyGenerator

from importsvc.errors import InvalidAttribute, RecordNotFound
from importsvc.files.services import find_import_model
from importsvc.import_sessions.models import LONGEST_LIFETIME, LONGEST_URL, ImportSession
from importsvc.imports.services import get_record_types
from organizations.models import Organization
from people.models import Person

LONGEST_LIFETIME_SECONDS = int(LONGEST_LIFETIME.total_seconds())
LIFETIME_REFUSED = f"must be a whole number from 1 to {LONGEST_LIFETIME_SECONDS}"

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_KEY = re.compile(r"([A-Za-z0-9]{8})\.[A-Za-z0-9]{32}")
_is_http_url = URLValidator(schemes=["http", "https"])
# Makes and verifies keys as those of API tokens.
_keys = KeyGenerator(prefix_length=8, secret_key_length=32)


@dataclass(frozen=True)
class NewImportSession:
    """A session with the key of its link. No response or page shows the key again."""

    session: ImportSession
    key: str


class LinkRefused(Exception):
    """A link that opens no session.

    Attributes:
        session: that the link opened before; ``None`` if the link belongs to none.
        detail: what is wrong, and what to do: sentences for the person that follows the link.
    """

    session: ImportSession | None = None
    detail = "This link is not valid. It may be incomplete or revoked. Ask for a new one where it came from."

    def __init__(self, session: ImportSession | None = None) -> None:
        self.session = session
        super().__init__(self.detail)


class LinkExpired(LinkRefused):
    """The time of the session is over."""

    detail = "This link has expired. Ask for a new one where it came from."


class PersonInactive(LinkRefused):
    """The person of the session was deactivated or archived."""

    detail = "This link belongs to a person that is no longer active in the organization."


def create_import_session(
    *,
    organization: Organization,
    creator: Person,
    person_id: int | None,
    record_types: Collection[str] = (),
    import_model_id: int | None = None,
    may_revert: bool = True,
    return_url: str | None = None,
    theme_color: str | None = None,
    frame_origin: str | None = None,
    lifetime_seconds: int = LONGEST_LIFETIME_SECONDS,
) -> NewImportSession:
    """Create a session with a new key.

    Args:
        organization: of the session, its person and its import model.
        creator: the person that asks for the session.
        person_id: the person in whose name the wizard works. It is active, as the person of a token.
        record_types: that may be imported; all if there are none.
        import_model_id: the saved mapping that is used for files.
        may_revert: whether imports may be undone.
        return_url: where the wizard leads back to, by http or https.
        theme_color: of the wizard, ``#rrggbb``.
        frame_origin: the origin whose pages embed the wizard, one of ``IMPORT_FRAME_ORIGINS``.
        lifetime_seconds: from 1 to ``LONGEST_LIFETIME_SECONDS``.

    Raises:
        InvalidAttribute: nothing is created.
    """
    person = _find_person(organization, person_id)
    key, prefix, hashed_key = _keys.generate()
    created_at = timezone.now()
    session = ImportSession.objects.create(
        organization=organization,
        creator=creator,
        person=person,
        prefix=prefix,
        hashed_key=hashed_key,
        record_types=_clean_record_types(record_types),
        import_model_id=_clean_import_model_id(organization, import_model_id),
        may_revert=may_revert,
        return_url=_clean_return_url(return_url),
        theme_color=_clean_theme_color(theme_color),
        frame_origin=_clean_frame_origin(frame_origin),
        created_at=created_at,
        expires_at=created_at + _clean_lifetime(lifetime_seconds),
    )
    return NewImportSession(session, key)


def open_import_session(*, organization_id: int, key: str) -> ImportSession:
    """The session of a link, with its person and organization.

    Raises:
        LinkRefused: there is no such session, its time is over, or its person is not active.
    """
    match = _KEY.fullmatch(key)
    if match is None:
        raise LinkRefused
    sessions = ImportSession.objects.filter(organization_id=organization_id, prefix=match[1])
    session = sessions.select_related("person", "organization").first()
    # In constant time.
    if session is None or not _keys.verify(key, session.hashed_key):
        raise LinkRefused
    if session.expires_at <= timezone.now():
        raise LinkExpired(session)
    if session.person.deactivated_at or session.person.archived_at:
        raise PersonInactive(session)
    return session


def keep_opening(session: ImportSession) -> None:
    """Keep when the link of a session was opened, if it is the first time."""
    own = ImportSession.objects.filter(organization_id=session.organization_id, pk=session.pk)
    own.filter(opened_at=None).update(opened_at=timezone.now())


def delete_import_session(*, organization: Organization, session_id: int) -> None:
    """Revoke a link, also where it was opened already.

    Raises:
        RecordNotFound: there is no such session.
    """
    deleted, _ = ImportSession.objects.for_organization(organization).filter(pk=session_id).delete()
    if not deleted:
        raise RecordNotFound


def prune_import_sessions(*, dry_run: bool = False) -> int:
    """Delete the sessions that have expired, and return how many. A dry run only counts them."""
    expired = ImportSession.objects.filter(expires_at__lte=Now())
    if dry_run:
        return expired.count()
    # The only statement that looks at all organizations.
    organization_ids = list(expired.order_by("organization_id").values_list("organization_id", flat=True).distinct())
    return sum(expired.filter(organization_id=organization_id).delete()[0] for organization_id in organization_ids)


def _find_person(organization: Organization, person_id: int | None) -> Person:
    if person_id is None:
        raise InvalidAttribute("can't be blank", attribute="person")
    person = Person.objects.for_organization(organization).filter(pk=person_id).first()
    if person is None:
        raise InvalidAttribute("must exist", attribute="person")
    if person.deactivated_at or person.archived_at:
        raise InvalidAttribute("must not be deactivated or archived", attribute="person")
    return person


def _clean_record_types(record_types: Collection[str]) -> list[str]:
    """The types in the order of their references, each once."""
    known = get_record_types()
    if set(record_types) - set(known):
        raise InvalidAttribute(f"must be some of {', '.join(known)}", attribute="record_types")
    return [name for name in known if name in record_types]


def _clean_import_model_id(organization: Organization, model_id: int | None) -> int | None:
    if model_id is not None:
        try:
            find_import_model(organization=organization, model_id=model_id)
        except RecordNotFound:
            raise InvalidAttribute("must exist", attribute="import_model_id") from None
    return model_id


def _clean_return_url(url: str | None) -> str | None:
    if url is None:
        return None
    if len(url) > LONGEST_URL:
        raise InvalidAttribute(f"must have at most {LONGEST_URL:,} characters", attribute="return_url")
    try:
        _is_http_url(url)
    except ValidationError:
        message = "must be an http or https URL such as https://app.example.com/contacts"
        raise InvalidAttribute(message, attribute="return_url") from None
    return url


def _clean_theme_color(color: str | None) -> str | None:
    if color is None:
        return None
    if not _COLOR.fullmatch(color):
        raise InvalidAttribute("must be a colour such as #1d4ed8", attribute="theme_color")
    return color.lower()


def _clean_frame_origin(origin: str | None) -> str | None:
    if origin is not None and origin not in settings.IMPORT_FRAME_ORIGINS:
        message = "must be one of the origins that may embed the wizard (IMPORT_FRAME_ORIGINS)"
        raise InvalidAttribute(message, attribute="frame_origin")
    return origin


def _clean_lifetime(seconds: int) -> timedelta:
    if not 1 <= seconds <= LONGEST_LIFETIME_SECONDS:
        raise InvalidAttribute(LIFETIME_REFUSED, attribute="lifetime_seconds")
    return timedelta(seconds=seconds)
