"""``manage.py create_token``: create a token for a person."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from importsvc.management.output import OutputCommand
from people.management.people import find_person_or_refuse
from people.services import create_token


class Command(OutputCommand):
    """Prints one line, ``{"token": "…"}``, also without ``--json``."""

    help = (
        "Create an API token for a person and print it as one line of JSON. Keep it: only a hash of it is stored."
        " Existing tokens of the person stay valid; see revoke_token."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", required=True, type=int, metavar="ID", help="id of the organization")
        parser.add_argument("--email", required=True, help="the person's address, in upper or lower case")

    def handle(self, *, organization: int, email: str, **_: Any) -> None:
        """Create the token.

        Raises:
            CommandError: there is no such person, or the person is deactivated or archived.
        """
        person = find_person_or_refuse(organization_id=organization, email=email)
        try:
            token = create_token(person=person)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        self.print_document({"token": token})
