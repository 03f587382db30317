"""``manage.py create_organization``: a new tenant, ready for its first request."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from importsvc.management.output import OutputCommand
from people.services import create_organization


class Command(OutputCommand):
    """Prints ``{"organization_id": 1, "person_id": 1, "token": "…"}``, one line, and nothing else, always."""

    help = (
        "Make an organization with its own company and its first user, and print one line of JSON with their ids and"
        " the user's API token. Keep the token: only a hash of it is stored."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The organization, and who its first user is."""
        parser.add_argument("name", help="what the organization, and its own company, is called")
        parser.add_argument("--email", required=True, help="address of the first user")
        parser.add_argument(
            "--time-zone",
            default="UTC",
            metavar="ZONE",
            help="IANA name of the zone the API writes time stamps in, for example Europe/Zagreb (default: UTC)",
        )
        parser.add_argument("--first-name", help="of the first user (default: the address up to the @)")
        parser.add_argument("--last-name", help="of the first user (default: none)")

    def handle(
        self, *, name: str, email: str, time_zone: str, first_name: str | None, last_name: str | None, **_: Any
    ) -> None:
        """Make it, or say which value is not acceptable and make nothing."""
        try:
            made = create_organization(
                name=name, email=email, time_zone=time_zone, first_name=first_name, last_name=last_name
            )
        except ValidationError as error:
            problems = [f"{field}: {' '.join(messages)}" for field, messages in error.message_dict.items()]
            raise CommandError("\n".join(problems)) from None
        except UnicodeEncodeError:
            raise CommandError("What was given is not UTF-8.") from None
        ids = {"organization_id": made.organization.pk, "person_id": made.person.pk}
        self.print_document({**ids, "token": made.token})
