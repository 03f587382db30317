"""``manage.py create_organization``: create an organization, its first user and a token."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from importsvc.management.output import OutputCommand
from people.services import create_organization


class Command(OutputCommand):
    """Prints one line, ``{"organization_id": 1, "person_id": 1, "token": "…"}``, also without ``--json``."""

    help = (
        "Create an organization with its own company and its first user, and print one line of JSON with their ids and"
        " the user's API token. Keep the token: only a hash of it is stored."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="name of the organization and of its own company")
        parser.add_argument("--email", required=True, help="address of the first user")
        parser.add_argument(
            "--time-zone",
            default="UTC",
            metavar="ZONE",
            help="IANA name of the time zone of time stamps in the API, for example Europe/Zagreb (default: UTC)",
        )
        parser.add_argument("--first-name", help="first name of the first user (default: the address up to the @)")
        parser.add_argument("--last-name", help="last name of the first user (default: none)")

    def handle(
        self, *, name: str, email: str, time_zone: str, first_name: str | None, last_name: str | None, **_: Any
    ) -> None:
        """Create the organization.

        Raises:
            CommandError: a value is not acceptable, and nothing is created.
        """
        try:
            created = create_organization(
                name=name, email=email, time_zone=time_zone, first_name=first_name, last_name=last_name
            )
        except ValidationError as error:
            problems = [f"{field}: {' '.join(messages)}" for field, messages in error.message_dict.items()]
            raise CommandError("\n".join(problems)) from None
        except UnicodeEncodeError:
            raise CommandError("The arguments are not UTF-8.") from None
        ids = {"organization_id": created.organization.pk, "person_id": created.person.pk}
        self.print_document({**ids, "token": created.token})
