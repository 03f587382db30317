"""The help of every command of the service shows its own options first."""

from __future__ import annotations

import re

import pytest
from django.core.management import get_commands, load_command_class

from importsvc.management.command_help import OwnOptionsFirst

OF_THE_SERVICE = ["importsvc", "people"]
COMMANDS = [
    (app, name)
    for name, app in sorted(get_commands().items())
    if str(app).split(".")[0] in OF_THE_SERVICE and name != "migrate"  # Django's, with a lock
]


@pytest.mark.parametrize(("app", "name"), COMMANDS)
def test_a_commands_own_options_come_first_and_are_the_only_ones_in_the_usage(app: str, name: str) -> None:
    help_ = load_command_class(app, name).create_parser("manage.py", name).format_help()

    usage, rest = help_.split("\n\n", 1)
    own, of_every_command = rest.split("options of every command:\n")
    common = OwnOptionsFirst.show_last
    assert not common.intersection(re.findall(r"--[a-z-]+", usage))
    assert not common.intersection(re.findall(r"^  (--[a-z-]+)", own, re.MULTILINE))
    assert set(re.findall(r"(?<![a-z])--[a-z-]+", of_every_command)) == common
