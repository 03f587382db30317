"""``manage.py revoke_token``: revoke a token."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from importsvc.management.output import OutputCommand
from people.models import ApiToken
from people.services import revoke_token


class Command(OutputCommand):
    """Prints the token's person and organization."""

    help = "Revoke an API token. This cannot be undone; a revoked token can be revoked again without effect."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("prefix", help="the part of the token before the dot, as in the admin, or the whole token")

    def handle(self, *, prefix: str, **_: Any) -> None:
        """Revoke the token.

        Raises:
            CommandError: there is no such token.
        """
        prefix = prefix.strip().partition(".")[0]
        try:
            token = revoke_token(prefix=prefix)
        # Python decodes bytes that are not UTF-8 to lone surrogates, which cannot be sent to the database.
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
