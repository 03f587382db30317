"""``manage.py revoke_token``: a token that must not work any more."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from importsvc.management.output import OutputCommand
from people.models import ApiToken
from people.services import revoke_token


class Command(OutputCommand):
    """Says whose token it was."""

    help = "Make an API token useless from now on. This cannot be undone; doing it twice does no harm."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which token."""
        parser.add_argument(
            "prefix", help="the token's part before the dot, as the admin lists it; the whole token will do too"
        )

    def handle(self, *, prefix: str, **_: Any) -> None:
        """Revoke it, or say that there is none."""
        prefix = prefix.strip().partition(".")[0]
        try:
            token = revoke_token(prefix=prefix)
        # The shell hands over bytes that are not UTF-8 as lone surrogates, which no prefix has.
        except (ApiToken.DoesNotExist, UnicodeEncodeError):
            raise CommandError(f"No token starts with {prefix!r}.") from None
        person = token.person
        address = f" <{person.email}>" if person.email else ""
        document = {
            "prefix": token.prefix,
            "person": {"id": person.pk, "name": str(person), "email": person.email},
            "organization": {"id": person.organization_id, "name": person.organization.name},
        }
        sentence = (
            f"Revoked token {token.prefix} of {person}{address} in {person.organization}"
            f" (organization {person.organization_id})."
        )
        self.print_result(document, sentence)
