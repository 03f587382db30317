"""Who is asking: the two headers of the contract's section 2.1."""

from __future__ import annotations

import logging
import re
from datetime import timedelta

from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from people.models import ApiToken, Person

LAST_SEEN_INTERVAL = timedelta(minutes=1)

_TOKEN = re.compile(r"([A-Za-z0-9]{8})\.[A-Za-z0-9]{32}")
_RECORD_ID = re.compile(r"[0-9]{1,19}")

logger = logging.getLogger(__name__)


class TokenAuthentication(BaseAuthentication):
    """``X-Auth-Token`` names a person, ``X-Organization-Id`` that person's organization."""

    def authenticate(self, request: Request) -> tuple[Person, ApiToken]:
        """The person, as ``request.user``, with organization, and the token.

        Raises:
            AuthenticationFailed: no token, or one that does not work (any more).
            PermissionDenied: the organization is not the person's own.
        """
        token = find_token(request.headers.get("X-Auth-Token", ""))
        if token is None:
            raise AuthenticationFailed
        organization_id = request.headers.get("X-Organization-Id", "").strip()
        if not _RECORD_ID.fullmatch(organization_id) or int(organization_id) != token.person.organization_id:
            raise PermissionDenied
        touch_last_seen(token.person)
        return token.person, token

    def authenticate_header(self, request: Request) -> str:
        """What ``WWW-Authenticate`` says of a 401."""
        return 'Token realm="api"'


def find_token(written: str) -> ApiToken | None:
    """The token, if it works: not revoked, not expired, of a person neither deactivated nor archived."""
    match = _TOKEN.fullmatch(written.strip())
    if match is None:
        return None
    tokens = (
        ApiToken.objects.get_usable_keys()
        .select_related("person__organization")
        .filter(prefix=match[1], person__deactivated_at=None, person__archived_at=None)
    )
    token = next(iter(tokens[:1]), None)  # there is one at most: nothing to sort, as first() would
    return token if token and not token.has_expired and token.is_valid(match[0]) else None


def touch_last_seen(person: Person) -> None:
    """Note that the person was here, at most once a minute. Never waits for a lock and never fails."""
    now = timezone.now()
    if person.last_seen_at and now - person.last_seen_at < LAST_SEEN_INTERVAL:
        return
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE people_person SET last_seen_at = %(now)s WHERE id ="
                " (SELECT id FROM people_person WHERE id = %(id)s FOR NO KEY UPDATE SKIP LOCKED)",
                {"now": now, "id": person.pk},
            )
    except DatabaseError:
        logger.warning("last_seen_at of person %s could not be written", person.pk, exc_info=True)
    else:
        person.last_seen_at = now
