"""``manage.py create_token``: another token for somebody who is known already."""

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from people.models import Person
from people.services import create_token, find_person


class Command(BaseCommand):
    """Prints ``{"token": "…"}``, one line, and nothing else."""

    help = (
        "Make an API token for a person and print it as one line of JSON. Keep it: only a hash of it is stored."
        " Tokens the person has already go on working; see revoke_token."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose token it is."""
        parser.add_argument(
            "--organization", required=True, type=int, metavar="ID", help="id of the person's organization"
        )
        parser.add_argument("--email", required=True, help="the person's address, in upper or lower case")

    def handle(self, *, organization: int, email: str, **_: Any) -> None:
        """Make it, or say why not."""
        try:
            person = find_person(organization_id=organization, email=email)
            token = create_token(person=person)
        # The shell hands over bytes that are not UTF-8 as lone surrogates, which no stored address has.
        except (Person.DoesNotExist, UnicodeEncodeError):
            raise CommandError(f"Nobody in organization {organization} has the address {email!r}.") from None
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        self.stdout.write(json.dumps({"token": token}))
