"""``manage.py list_tokens``: the tokens of an organization."""

from typing import Any

from django.core.management.base import CommandParser

from importsvc.management.output import OutputCommand, format_table, read_positive
from people.management.tokens import describe_owner
from people.models import ApiToken


class Command(OutputCommand):
    """Prints a table of the tokens, newest first."""

    help = "List the API tokens of an organization, newest first. Of each only the part before the dot is stored."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--organization", required=True, type=read_positive, metavar="ID", help="id of the organization"
        )

    def handle(self, *, organization: int, **_: Any) -> None:
        """List the tokens; there are none if there is no such organization."""
        tokens = ApiToken.objects.filter(organization_id=organization).select_related("person__organization")
        documents = [_describe(token) for token in tokens.order_by("-id")]
        headers = ["prefix", "name", "person", "scopes", "created_at", "expires_at", "state"]
        rows = [
            [each["person"]["name"] if name == "person" else _write(each[name]) for name in headers]
            for each in documents
        ]
        self.print_result({"tokens": documents}, *format_table(headers, rows))


def _describe(token: ApiToken) -> dict[str, Any]:
    expires_at = token.expiry_date
    return {
        "prefix": token.prefix,
        "name": token.name,
        **describe_owner(token),
        "scopes": [scope.value for scope in token.scopes],
        "created_at": token.created.isoformat(timespec="seconds"),
        "expires_at": expires_at and expires_at.isoformat(timespec="seconds"),
        "state": token.state,
    }


def _write(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else value or "never"
