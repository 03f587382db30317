"""The quick starts of docs/clients.md, which are run as they are there; all print the same."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from django.conf import settings

from tests.clients.conftest import Access
from tests.clients.javascript import require_node

# All use one service.
pytestmark = pytest.mark.xdist_group("clients")

EXAMPLES = settings.BASE_DIR / "docs/examples"
PAGE = settings.BASE_DIR / "docs/clients.md"

PROGRAMS = {"quickstart.sh": "sh", "quickstart.py": sys.executable, "quickstart.mjs": "node"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_quick_start_prints_what_the_page_says(access: Access, name: str) -> None:
    if PROGRAMS[name] == "node":
        require_node()

    done = subprocess.run(
        [PROGRAMS[name], str(EXAMPLES / name)],
        env={**os.environ, **access.environment},
        capture_output=True,
        text=True,
        timeout=60,
    )

    shown = re.search(r"```text\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert shown
    assert (re.sub(r"import \d+", "import 1", done.stdout), done.stderr) == (shown[1], "")


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_page_has_the_quick_start_as_it_is_run(name: str) -> None:
    language = {"sh": "sh", "py": "python", "mjs": "js"}[name.rpartition(".")[2]]

    assert f"```{language}\n{(EXAMPLES / name).read_text()}```\n" in PAGE.read_text()


def test_there_is_no_example_that_is_not_run() -> None:
    assert {path.name for path in EXAMPLES.iterdir()} == {*PROGRAMS, "files.py"}
