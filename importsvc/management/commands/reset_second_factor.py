"""``manage.py reset_second_factor``: remove the second factor of an account whose device is lost."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser

from importsvc.admin_site.second_factor import reset
from importsvc.management.output import OutputCommand


class Command(OutputCommand):
    """Prints whether there was one."""

    help = "Remove the second factor of a staff account, which can then log in with its password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="name of the staff account")

    def handle(self, *, username: str, **_: Any) -> None:
        """Remove it.

        Raises:
            CommandError: there is no such account.
        """
        try:
            user = User.objects.get(username=username)
        # Python decodes bytes that are not UTF-8 to lone surrogates, which cannot be sent to the database.
        except (User.DoesNotExist, UnicodeEncodeError):
            raise CommandError(f"No account is called {username!r}.") from None
        removed = reset(user)
        text = f"Removed the second factor of {username}." if removed else f"{username} has no second factor."
        self.print_result({"username": username, "removed": removed}, text)
