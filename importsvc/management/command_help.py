"""The help of commands: their own options first, those of every command of Django after them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandParser, DjangoHelpFormatter


class OwnOptionsFirst(DjangoHelpFormatter):
    """Shows the options of every command last, under a heading of their own, and leaves them out of the usage."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._of_every_command: list[Any] = []

    def add_usage(self, usage: str | None, actions: Iterable[Any], *args: Any, **kwargs: Any) -> None:
        """Add the usage of the command's own options."""
        super().add_usage(
            usage, [action for action in actions if not self._is_of_every_command(action)], *args, **kwargs
        )

    def add_arguments(self, actions: Iterable[Any]) -> None:
        """Add the command's own options, and keep the others until the end."""
        own: list[Any] = []
        for action in actions:
            (self._of_every_command if self._is_of_every_command(action) else own).append(action)
        super().add_arguments(own)

    def format_help(self) -> str:
        """The whole help."""
        if self._of_every_command:
            self.start_section("options of every command")
            super(DjangoHelpFormatter, self).add_arguments(self._of_every_command)
            self.end_section()
        return super().format_help()

    def _is_of_every_command(self, action: Any) -> bool:
        return bool(self.show_last.intersection(action.option_strings))


class ServiceCommand(BaseCommand):
    """A command of the service."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """The parser of the command's arguments."""
        return super().create_parser(prog_name, subcommand, formatter_class=OwnOptionsFirst, **kwargs)
