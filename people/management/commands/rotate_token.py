"""``manage.py rotate_token``: replace a token by a new one."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from importsvc.management.output import OutputCommand, read_duration
from people.management.tokens import read_prefix, refuse_unknown
from people.models import ApiToken
from people.services import rotate_token


class Command(OutputCommand):
    """Prints one line, ``{"token": "…"}``, also without ``--json``."""

    help = (
        "Create a token with the person, name and scopes of another one, which is revoked, and print it as one line of"
        " JSON. Keep it: only a hash of it is stored."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("prefix", help="the part of the old token before the dot, as in the admin, or all of it")
        parser.add_argument(
            "--keep-for",
            type=read_duration,
            default=timedelta(0),
            metavar="TIME",
            help="the old token works for this time: 90m, 12h, 30d, 52w (default: it is revoked at once)",
        )
        parser.add_argument(
            "--expires-in",
            type=read_duration,
            metavar="TIME",
            help="the new token stops working after this time (default: as long as the old one had, or never)",
        )

    def handle(self, *, prefix: str, keep_for: timedelta, expires_in: timedelta | None, **_: Any) -> None:
        """Rotate the token.

        Raises:
            CommandError: there is no such token, or it does not work.
        """
        prefix = read_prefix(prefix)
        expires_at = timezone.now() + expires_in if expires_in else None
        try:
            token = rotate_token(prefix=prefix, keep_for=keep_for, expires_at=expires_at)
        # Python decodes bytes that are not UTF-8 to lone surrogates, which cannot be sent to the database.
        except (ApiToken.DoesNotExist, UnicodeEncodeError):
            raise refuse_unknown(prefix) from None
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        self.print_document({"token": token})
