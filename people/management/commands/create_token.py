"""``manage.py create_token``: create a token for a person."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from importsvc.management.output import OutputCommand, read_duration
from people.management.people import find_person_or_refuse
from people.models import Scope
from people.services import create_token


class Command(OutputCommand):
    """Prints one line, ``{"token": "…"}``, also without ``--json``."""

    help = (
        "Create an API token for a person and print it as one line of JSON. Keep it: only a hash of it is stored."
        " Existing tokens of the person stay valid; see rotate_token and revoke_token."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", required=True, type=int, metavar="ID", help="id of the organization")
        parser.add_argument("--email", required=True, help="the person's address, in upper or lower case")
        parser.add_argument(
            "--name", default="API", help="name of the token in the admin, at most 50 characters (default: API)"
        )
        parser.add_argument(
            "--expires-in",
            type=read_duration,
            metavar="TIME",
            help="the token stops working after this time: 90m, 12h, 30d, 52w (default: never)",
        )
        parser.add_argument(
            "--scope",
            action="append",
            choices=Scope.values,
            help="what the token may do; may be repeated (default: all): "
            + "; ".join(f"{scope.value} is for {scope.label}" for scope in Scope),
        )

    def handle(
        self,
        *,
        organization: int,
        email: str,
        name: str,
        expires_in: timedelta | None,
        scope: list[str] | None,
        **_: Any,
    ) -> None:
        """Create the token.

        Raises:
            CommandError: there is no such person, the person is deactivated or archived, or the name is too long.
        """
        person = find_person_or_refuse(organization_id=organization, email=email)
        expires_at = timezone.now() + expires_in if expires_in else None
        try:
            token = create_token(person=person, name=name, expires_at=expires_at, scopes=scope or Scope.values)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        except UnicodeEncodeError:
            raise CommandError("The arguments are not UTF-8.") from None
        self.print_document({"token": token})
