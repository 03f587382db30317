"""``manage.py revoke_token``: revoke a token."""

from typing import Any

from django.core.management.base import CommandParser

from importsvc.management.output import OutputCommand
from people.management.tokens import describe_owner, name_owner, read_prefix, refuse_unknown
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
        prefix = read_prefix(prefix)
        try:
            token = revoke_token(prefix=prefix)
        # Python decodes bytes that are not UTF-8 to lone surrogates, which cannot be sent to the database.
        except (ApiToken.DoesNotExist, UnicodeEncodeError):
            raise refuse_unknown(prefix) from None
        document = {"prefix": token.prefix, **describe_owner(token)}
        self.print_result(document, f"Revoked token {token.prefix} of {name_owner(token)}.")
