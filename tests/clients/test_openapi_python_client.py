"""openapi-python-client makes a client from the description, which is typed and tells the whole story."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests.clients.conftest import Access
from tests.clients.story import FOLDER

# All use one service.
pytestmark = pytest.mark.xdist_group("clients")

DESCRIPTION = settings.BASE_DIR / "docs/openapi.json"


def run(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A program of Python, in the folder, with its output."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the generated package and the story. The generator has understood all of the description."""
    folder = tmp_path_factory.mktemp("generated")
    shutil.copy(FOLDER / "python/config.yaml", folder)
    options = ["--path", str(DESCRIPTION), "--meta", "none", "--output-path", "importsvc_client"]
    made = run(folder, "-m", "openapi_python_client", "generate", "--config", "config.yaml", *options)
    assert (made.returncode, made.stdout) == (0, "Generating importsvc_client\n")
    shutil.copy(FOLDER / "story.json", folder)
    shutil.copy(FOLDER / "python/story_of_generated.py", folder)
    return folder


def test_the_generated_client_and_the_story_are_typed_strictly(folder: Path) -> None:
    checked = run(folder, "-m", "mypy", "--strict", "--config-file=", "importsvc_client", "story_of_generated.py")

    assert checked.returncode == 0, checked.stdout


def test_the_whole_story(folder: Path, access: Access) -> None:
    told = run(folder, "story_of_generated.py", **access.environment)

    assert told.returncode == 0, told.stdout
