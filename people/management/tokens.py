"""Tokens in the arguments and the output of commands."""

from typing import Any

from django.core.management.base import CommandError

from people.models import ApiToken


def read_prefix(written: str) -> str:
    """The prefix of a token, of which that or the whole was written."""
    return written.strip().partition(".")[0]


def refuse_unknown(prefix: str) -> CommandError:
    """The refusal of a prefix that no token has."""
    return CommandError(f"No token starts with {prefix!r}.")


def describe_owner(token: ApiToken) -> dict[str, Any]:
    """The token's person and organization for JSON output."""
    person = token.person
    return {
        "person": {"id": person.pk, "name": str(person), "email": person.email},
        "organization": {"id": person.organization_id, "name": person.organization.name},
    }


def name_owner(token: ApiToken) -> str:
    """The token's person and organization in words."""
    person = token.person
    address = f" <{person.email}>" if person.email else ""
    return f"{person}{address} in {person.organization} (organization {person.organization_id})"
