"""Authentication by the two headers of the contract's section 2.1."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Sequence
from datetime import timedelta
from itertools import islice
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, transaction
from django.db.models import Model
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from importsvc.postgres.compiled_queries import CompiledQuery, Parameter, Row
from organizations.models import Organization
from people.models import ApiToken, Person

LAST_SEEN_INTERVAL = timedelta(minutes=1)

_TOKEN = re.compile(r"([A-Za-z0-9]{8})\.[A-Za-z0-9]{32}")
_RECORD_ID = re.compile(r"[0-9]{1,19}")


def _columns(model: type[Model], *names: str) -> tuple[str, ...]:
    """These columns, or all, in the order in which ``from_db()`` takes their values."""
    return tuple(field.attname for field in model._meta.concrete_fields if not names or field.attname in names)


# What is read of a token, its person and organization. Django reads any other column with another query.
_TOKEN_COLUMNS = _columns(ApiToken, "id", "hashed_key", "revoked", "expiry_date", "person_id")
_PERSON_COLUMNS = _columns(Person, "id", "organization_id", "first_name", "last_name", "last_seen_at")
_ORGANIZATION_COLUMNS = _columns(Organization)

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
    """The token, if it works: not revoked, not expired, of a person neither deactivated nor archived.

    It comes with its person and organization. Of the first two only that is read which requests need.
    """
    match = _TOKEN.fullmatch(written.strip())
    if match is None:
        return None
    rows = _usable_tokens().fetch(prefix=match[1])
    token = _make_token(rows[0]) if rows else None
    return token if token and not token.has_expired and token.is_valid(match[0]) else None


@functools.cache
def _usable_tokens() -> CompiledQuery:
    """The one with a prefix, if it can be used as far as the database knows."""
    tokens = ApiToken.objects.get_usable_keys().filter(
        prefix=Parameter("prefix"), person__deactivated_at=None, person__archived_at=None
    )
    columns = (
        *_TOKEN_COLUMNS,
        *(f"person__{column}" for column in _PERSON_COLUMNS),
        *(f"person__organization__{column}" for column in _ORGANIZATION_COLUMNS),
    )
    return CompiledQuery(tokens.values_list(*columns))


def _make_token(row: Row) -> ApiToken:
    """Of a row of ``_usable_tokens``."""
    values = iter(row)

    def read(columns: Sequence[str]) -> list[Any]:
        return list(islice(values, len(columns)))

    token = ApiToken.from_db(DEFAULT_DB_ALIAS, _TOKEN_COLUMNS, read(_TOKEN_COLUMNS))
    token.person = Person.from_db(DEFAULT_DB_ALIAS, _PERSON_COLUMNS, read(_PERSON_COLUMNS))
    token.person.organization = Organization.from_db(
        DEFAULT_DB_ALIAS, _ORGANIZATION_COLUMNS, read(_ORGANIZATION_COLUMNS)
    )
    return token


def touch_last_seen(person: Person) -> None:
    """Write the time of the person's last request, at most once a minute. Never waits for a lock and never fails."""
    now = timezone.now()
    if person.last_seen_at and now - person.last_seen_at < LAST_SEEN_INTERVAL:
        return
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE people_person SET last_seen_at = %(now)s WHERE organization_id = %(organization)s AND id ="
                " (SELECT id FROM people_person WHERE organization_id = %(organization)s AND id = %(id)s"
                "  FOR NO KEY UPDATE SKIP LOCKED)",
                {"now": now, "organization": person.organization_id, "id": person.pk},
            )
    except DatabaseError:
        logger.warning("last_seen_at of person %s could not be written", person.pk, exc_info=True)
    else:
        person.last_seen_at = now
