"""Authentication by two headers (contract, section 2.1)."""

from __future__ import annotations

import functools
import logging
import re
from datetime import timedelta

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, transaction
from django.db.models import BigIntegerField, Model, Subquery
from django.db.models.functions import Now
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied, Throttled
from rest_framework.request import Request

from importsvc.guessing.models import FailureCount
from importsvc.guessing.services import PAIR_LIMIT, count_failure, count_for_address, count_for_pair
from importsvc.logs.context import add_log_fields
from importsvc.postgres.compiled_queries import CompiledQuery, Parameter, Row
from organizations.models import Organization
from people.models import ApiToken, Person, Scope

LAST_SEEN_INTERVAL = timedelta(minutes=1)

# Of the attempts that are counted.
_KIND = "token"

_TOKEN = re.compile(r"([A-Za-z0-9]{8})\.[A-Za-z0-9]{32}")
_RECORD_ID = re.compile(r"[0-9]{1,19}")


def _columns(model: type[Model], *names: str) -> tuple[str, ...]:
    """The attributes of these columns, or of all, in the order that ``from_db()`` needs."""
    return tuple(field.attname for field in model._meta.concrete_fields if not names or field.attname in names)


# The columns that are read of a token, its person and organization. Django reads other columns by further queries.
_TOKEN_COLUMNS = _columns(
    ApiToken, "id", "hashed_key", "revoked", "expiry_date", "person_id", *(f"can_{scope}" for scope in Scope)
)
_PERSON_COLUMNS = _columns(Person, "id", "organization_id", "first_name", "last_name", "last_seen_at")
_ORGANIZATION_COLUMNS = _columns(Organization)

logger = logging.getLogger(__name__)


class TokenAuthentication(BaseAuthentication):
    """``X-Auth-Token`` identifies a person, ``X-Organization-Id`` must have the person's organization."""

    def authenticate(self, request: Request) -> tuple[Person, ApiToken]:
        """The person with its organization, as ``request.user``, and the token.

        Raises:
            AuthenticationFailed: there is no token, or it is not valid.
            Throttled: so have been too many attempts before, from this address.
            PermissionDenied: the person belongs to another organization.
        """
        written, address = request.headers.get("X-Auth-Token", "").strip(), request.META.get("REMOTE_ADDR", "")
        organization_id = _read_organization_id(request)
        token, is_known = _find_token(written, address, organization_id)
        if token is None:
            if written and (wait := _count_failure(written, address, is_known)):
                raise Throttled(wait)
            raise AuthenticationFailed
        if organization_id != token.person.organization_id:
            raise PermissionDenied
        add_log_fields(organization=token.person.organization_id)
        touch_last_seen(token.person)
        return token.person, token

    def authenticate_header(self, request: Request) -> str:
        return 'Token realm="api"'


def find_token(written: str) -> ApiToken | None:
    """The token with its person and organization; ``None`` if it is not valid.

    A valid token is not revoked or expired, and its person is not deactivated or archived.
    """
    return _find_token(written.strip(), "", None)[0]


def _read_organization_id(request: Request) -> int | None:
    """``X-Organization-Id``; ``None`` if it is no id."""
    written = request.headers.get("X-Organization-Id", "").strip()
    return int(written) if _RECORD_ID.fullmatch(written) and int(written) <= BigIntegerField.MAX_BIGINT else None


def _find_token(written: str, address: str, organization_id: int | None) -> tuple[ApiToken | None, bool]:
    """The token as of ``find_token``, also ``None`` after too many failures with it from this address.

    It is looked for in the organization, and then in all others: that of another organization is refused otherwise
    than one that does not exist. The second value says whether there is a token with this prefix.
    """
    match = _TOKEN.fullmatch(written)
    if match is None:
        return None, False
    given = {"prefix": match[1], "counter": count_for_pair(_KIND, address, match[1]).key}
    rows = [] if organization_id is None else _usable_tokens(True).fetch(**given, organization=organization_id)
    rows = rows or _usable_tokens(False).fetch(**given)
    if not rows:
        return None, False
    token = _make_token(rows[0])
    is_limited = (rows[0][-1] or 0) >= PAIR_LIMIT
    is_valid = not is_limited and not token.has_expired and token.is_valid(match[0])
    return token if is_valid else None, True


def _count_failure(written: str, address: str, is_known: bool) -> int:
    """Count a token that is not valid; return the seconds to wait if these are too many, otherwise 0.

    Another token, which is valid, works from the same address all the same. Of tokens that do not exist no more are
    counted one by one than an address is allowed to try: otherwise a client could fill the table.
    """
    match = _TOKEN.fullmatch(written)
    try:
        with transaction.atomic():
            wait = count_failure(count_for_address(_KIND, address))
            if match and (is_known or not wait):
                wait = max(wait, count_failure(count_for_pair(_KIND, address, match[1])))
    except DatabaseError:
        logger.warning("A failed attempt could not be counted", exc_info=True)
        return 0
    return wait


@functools.cache
def _usable_tokens(of_organization: bool) -> CompiledQuery:
    """The token with a prefix, of an organization or of any, if it is usable; the caller checks expiry and hash.

    The last column has the failures that the counter has, or null.
    """
    failures = FailureCount.objects.filter(key=Parameter("counter"), expires_at__gt=Now()).values("failures")
    tokens = ApiToken.objects.get_usable_keys().filter(
        prefix=Parameter("prefix"), person__deactivated_at=None, person__archived_at=None
    )
    if of_organization:
        tokens = tokens.filter(organization_id=Parameter("organization"))
    columns = (
        *_TOKEN_COLUMNS,
        *(f"person__{column}" for column in _PERSON_COLUMNS),
        *(f"person__organization__{column}" for column in _ORGANIZATION_COLUMNS),
    )
    return CompiledQuery(tokens.values_list(*columns, Subquery(failures)))


def _make_token(row: Row) -> ApiToken:
    """The token of a row of ``_usable_tokens``."""
    person_at = len(_TOKEN_COLUMNS)
    organization_at = person_at + len(_PERSON_COLUMNS)
    token = ApiToken.from_db(DEFAULT_DB_ALIAS, _TOKEN_COLUMNS, row[:person_at])
    token.person = Person.from_db(DEFAULT_DB_ALIAS, _PERSON_COLUMNS, row[person_at:organization_at])
    organization = row[organization_at : organization_at + len(_ORGANIZATION_COLUMNS)]
    token.person.organization = Organization.from_db(DEFAULT_DB_ALIAS, _ORGANIZATION_COLUMNS, organization)
    return token


def touch_last_seen(person: Person) -> None:
    """Store the time of the person's last request, at most once a minute.

    Does not wait for locks, and only logs database errors.
    """
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
